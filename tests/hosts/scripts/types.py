for name in ("struct node", "enum color", "point", "union shape", "size_t", "int"):
    type = prog.type(name)
    print(type)
    print(type.type_name(), type.kind, type.is_complete())
