from drgn import offsetof

nested = prog["nested"]
print(nested)
print(nested.low, nested.high, nested.both, nested.deep.second.bytes)
print(nested.deep.second.whole.format_(integer_base=16))
print(prog["shape"].f, prog["shape"].i, prog["shape"].read_().f)
print(offsetof(nested.type_, "deep.second.bytes[3]"))
