# The symbol at addresses all over the kernel.
import random

numbers = random.Random(1)
start, end = prog.main_module().address_range
for _ in range(2000):
    address = numbers.randrange(start, end)
    try:
        print(hex(address), prog.symbol(address))
    except LookupError as error:
        print(error)
    print(sorted(symbol.name for symbol in prog.symbols(address)))
