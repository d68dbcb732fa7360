for name in ("first", "packed", "nested", "handler", "operations", "origin"):
    obj = prog[name]
    print(obj.format_(columns=40))
    print(obj.format_(integer_base=16, type_name=False, member_type_names=False))
    print(obj.format_(members_same_line=True, symbolize=False, dereference=False))
    print(obj.format_(implicit_members=False, element_indices=True))
print(prog["precise"].type_)
