print([hex(address) for address in prog.search_memory(b"a needle in the data")])
wanted = prog["magic"].value_()
print(prog["magic"].address_ in [found for found, _ in prog.search_memory_u64(wanted)])
