"""
Virtual Memory Statistics
-------------------------

``drgn.helpers.linux.vmstat`` reads the kernel's statistics of virtual memory.
"""

from __future__ import annotations

import operator

from drgn import IntegerLike, Object, Program
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.percpu import per_cpu

__all__ = (
    "global_node_page_state",
    "global_numa_event_state",
    "global_vm_event_state",
    "global_zone_page_state",
    "nr_free_pages",
    "zone_page_state",
)


def _counter(counter: Object) -> int:
    # What CPUs have counted and not added yet may make a sum negative for a moment.
    return max(counter.counter.value_(), 0)


def zone_page_state(zone: Object, item: IntegerLike) -> int:
    """Return a statistic of a memory zone.

    :param zone: ``struct zone *``
    :param item: ``enum zone_stat_item``

    >>> zone_page_state(NODE_DATA(prog, 0).node_zones[1], prog["NR_FREE_PAGES"])
    95440
    """
    return _counter(zone.vm_stat[item])


@takes_program_or_default
def global_zone_page_state(prog: Program, item: IntegerLike) -> int:
    """Return a statistic of all memory zones.

    >>> global_zone_page_state(prog["NR_FREE_PAGES"])
    102055

    :param item: ``enum zone_stat_item``
    """
    try:
        # Since 4.8 (75ef71840539), nodes have counters of their own.
        return _counter(prog["vm_zone_stat"][item])
    except KeyError:
        return _counter(prog["vm_stat"][item])


@takes_program_or_default
def global_node_page_state(prog: Program, item: IntegerLike) -> int:
    """Return a statistic of all NUMA nodes.

    >>> global_node_page_state(prog["NR_FILE_PAGES"])
    4432

    :param item: ``enum node_stat_item``
    """
    return _counter(prog["vm_node_stat"][item])


@takes_program_or_default
def global_numa_event_state(prog: Program, item: IntegerLike) -> int:
    """Return how often a NUMA event has happened (``CONFIG_NUMA``).

    :param item: ``enum numa_stat_item``, ``enum zone_stat_item`` before Linux 4.14.

    >>> global_numa_event_state(prog, prog["NUMA_HIT"])
    13429
    """
    try:
        # Since 5.14 (f19298b9516c).
        return prog["vm_numa_event"][item].counter.value_()
    except KeyError:
        pass
    try:
        # Since 4.14 (3a321d2a3dde).
        return prog["vm_numa_stat"][item].counter.value_()
    except KeyError:
        return global_zone_page_state(prog, item)


@takes_program_or_default
def global_vm_event_state(prog: Program, item: IntegerLike) -> int:
    """Return how often an event has happened (``CONFIG_VM_EVENT_COUNTERS``).

    :param item: ``enum vm_event_item``

    >>> global_vm_event_state(prog, prog["PGFAULT"])
    94153
    """
    states = prog["vm_event_states"]
    i = operator.index(item)
    return sum(
        per_cpu(states, cpu).event[i].value_() for cpu in for_each_online_cpu(prog)
    )


@takes_program_or_default
def nr_free_pages(prog: Program) -> int:
    """Return the number of free pages.

    >>> nr_free_pages(prog)
    99248
    """
    return global_zone_page_state(prog, prog["NR_FREE_PAGES"])
