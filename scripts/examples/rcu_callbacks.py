"""Count the RCU callbacks that wait on each CPU, and say which functions they call.

    drgn -c vmcore -s vmlinux scripts/examples/rcu_callbacks.py [--functions]

A CPU with hundreds of thousands of them explains memory that is freed and does not
come back. The columns are the segments of the CPU's list: callbacks that can run
(done), that wait for the current grace period (wait), that wait for the next one
(next), and that have no grace period yet (new). The last column (kfree) is no part of
the total: objects that kfree_rcu() gathers before it asks for a grace period for all.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator

from drgn import Object
from drgn.helpers.common.format import print_table
from drgn.helpers.linux import for_each_possible_cpu, per_cpu

SEGMENTS = ("DONE", "WAIT", "NEXT", "NEW")
TITLES = ("CPU", "TOTAL", *SEGMENTS, "KFREE")


def flavors() -> Iterator[str]:
    """The per-CPU ``struct rcu_data`` of the kernel: one since 4.20, three before."""
    for name in ("rcu_data", "rcu_preempt_data", "rcu_sched_data", "rcu_bh_data"):
        try:
            if prog[name].type_.type_name() == "struct rcu_data":
                yield name
        except KeyError:
            pass


def segments(data: Object) -> list[int]:
    """How many callbacks each segment of the list has."""
    try:
        # Since 5.12 (ae5c2341ed39).
        return [data.cblist.seglen[i].value_() for i in range(len(SEGMENTS))]
    except AttributeError:
        pass
    try:
        link, tails = data.cblist.head, data.cblist.tails
    except AttributeError:
        link, tails = data.nxtlist, data.nxttail
    # Each ends with the link that its tail points to.
    counts = [0] * len(SEGMENTS)
    left = total(data)
    for i, tail in enumerate(tails):
        while link.address_ != tail.value_() and link and left:
            link = link.next
            counts[i] += 1
            left -= 1
    return counts


def total(data: Object) -> int:
    try:
        count = data.cblist.len  # A struct rcu_segcblist since 4.12 (15fecf89e46a).
    except AttributeError:
        return int(data.qlen)
    # Atomic where CPUs can be relieved of callbacks (CONFIG_RCU_NOCB_CPU).
    return int(getattr(count, "counter", count))


def gathered(cpu: int) -> int | str:
    """How many objects kfree_rcu() has gathered on a CPU."""
    try:
        data = per_cpu(prog["krc"], cpu)
    except KeyError:
        return "-"  # Before 5.6 (a35d16905efc) and in tiny kernels: all are callbacks.
    try:
        # Since 6.4, apart for those with a head and those in blocks.
        counts = [data.head_count, *data.bulk_count]
        return sum(count.counter.value_() for count in counts)
    except AttributeError:
        # Before 5.8 (9154244c1ab6), they were not counted.
        return data.count.value_() if hasattr(data, "count") else "-"


def callbacks(data: Object) -> Iterator[Object]:
    """The ``struct callback_head *`` of each waiting callback."""
    try:
        head = data.cblist.head.read_()
    except AttributeError:
        head = data.nxtlist.read_()
    # A damaged list may be a ring: no more than there are.
    for _ in range(total(data)):
        if not head:
            return
        yield head
        head = head.next.read_()


def function_name(head: Object) -> str:
    address = head.func.value_()
    if address < 4096:
        # kfree_rcu() says there how far into its object the head lies.
        return f"kfree (head at offset {address})"
    try:
        return prog.symbol(address).name
    except LookupError:
        return f"{address:#x}"


parser = argparse.ArgumentParser(
    prog="rcu_callbacks.py", description="Count the RCU callbacks of each CPU."
)
parser.add_argument(
    "--functions", action="store_true", help="count the functions that are to be called"
)
args = parser.parse_args()

for flavor in flavors():
    rows: list[tuple[object, ...]] = [TITLES]
    functions: Counter[str] = Counter()
    for cpu in for_each_possible_cpu(prog):
        data = per_cpu(prog[flavor], cpu)
        rows.append((cpu, total(data), *segments(data), gathered(cpu)))
        if args.functions:
            functions.update(map(function_name, callbacks(data)))
    print(f"{flavor}:")
    print_table(rows)
    for name, count in functions.most_common():
        print(f"{count:8} {name}")
