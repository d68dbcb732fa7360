# The symbol at addresses all over the kernel.
import random

numbers = random.Random(1)
start, end = prog.main_module().address_range
# The values of absolute symbols are no addresses, but by KASLR they may look like ones
# in the kernel. Upstream finds nothing between such a value and the next symbol, though
# a symbol without a size goes on there.
ABSOLUTE = (
    "init_per_cpu__fixed_percpu_data",
    "init_per_cpu__irq_stack_backing_store",
    "init_per_cpu__gdt_page",
    "xen_elfnote_phys32_entry_value",
)
values = [symbol.address for name in ABSOLUTE for symbol in prog.symbols(name)]
first = min((value for value in values if start <= value < end), default=end)
for _ in range(2000):
    address = numbers.randrange(start, end)
    try:
        symbol = prog.symbol(address)
    except LookupError as error:
        found, sized = str(error), False
    else:
        found, sized = f"{address:#x} {symbol}", symbol.size > 0
    if sized or address < first:
        print(found)
        print(sorted(symbol.name for symbol in prog.symbols(address)))
