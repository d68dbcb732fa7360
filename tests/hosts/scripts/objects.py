for name in ("first", "origin", "counter", "color", "names", "shape", "flags"):
    obj = prog[name]
    print(name, obj.type_.type_name(), obj)
    print(repr(obj.read_()) if name != "names" else len(obj))
