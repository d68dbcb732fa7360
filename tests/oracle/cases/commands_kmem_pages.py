# The crash command kmem where it prints every page.
from drgn.commands import run_command

for line in (
    "-p",
    "-m flags",
    "-m _refcount,mapping,flags",
    "-m lru,private",
    "-m _mapcount.counter,page_type,lru.next",
):
    print("%", line, flush=True)
    try:
        run_command(prog, f"crash kmem {line}")
    except LookupError:  # Before 4.18, pages have no types.
        print("an error", flush=True)
