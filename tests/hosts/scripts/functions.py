operations, handler = prog["operations"], prog["handler"]
print(operations)
print(handler)
for i in range(3):
    operation = operations[i]
    print(bool(operation), repr(operation))
    if operation:
        symbol = prog.symbol(operation.value_())
        print(symbol.name, prog.source_location(operation.value_()))
        print(operation.value_() == prog[symbol.name].address_)
print(handler.run == operations[1], handler.data == handler.address_of_())
print(prog.function("twice"), prog.function("twice").type_)
