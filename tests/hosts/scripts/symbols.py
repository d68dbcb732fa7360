for name in ("main", "work", "first", "puts"):
    symbol = prog.symbol(name)
    print(symbol.name, hex(symbol.address), symbol.size, symbol.binding, symbol.kind)
    print(prog.symbol(symbol.address + 1).name)
