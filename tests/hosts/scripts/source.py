for name in ("main", "work"):
    print(prog.source_location(prog[name].address_))
    print(prog.source_location(f"{name}+4"))
