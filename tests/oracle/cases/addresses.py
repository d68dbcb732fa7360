# The symbol at addresses all over the kernel.
import random

numbers = random.Random(1)
start, end = prog.main_module().address_range
# In .BTF upstream may find nothing: it takes the value of an absolute symbol for
# an address there.
first, last = (
    symbol.address
    for name in ("__start_BTF", "__stop_BTF")
    for symbol in prog.symbols(name) or [prog.symbol("_end")]
)
for _ in range(2000):
    address = numbers.randrange(start, end)
    if first <= address < last:
        continue
    try:
        print(hex(address), prog.symbol(address))
    except LookupError as error:
        print(error)
    print(sorted(symbol.name for symbol in prog.symbols(address)))
