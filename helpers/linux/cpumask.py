"""
CPU Masks
---------

``drgn.helpers.linux.cpumask`` works with sets of CPUs (``struct cpumask`` of
:linux:`include/linux/cpumask.h`).
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

from drgn import IntegerLike, Object, Program, cast, sizeof
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux.bitmap import bitmap_weight
from drgn.helpers.linux.bitops import for_each_set_bit

__all__ = (
    "cpu_online_mask",
    "cpu_possible_mask",
    "cpu_present_mask",
    "cpumask_of",
    "cpumask_to_cpulist",
    "cpumask_weight",
    "for_each_cpu",
    "for_each_online_cpu",
    "for_each_possible_cpu",
    "for_each_present_cpu",
    "num_online_cpus",
    "num_possible_cpus",
    "num_present_cpus",
)


@takes_program_or_default
def cpu_online_mask(prog: Program) -> Object:
    """Return the mask of online CPUs.

    :return: ``struct cpumask *``

    >>> cpumask_to_cpulist(cpu_online_mask(prog))
    '0-1'
    """
    return _mask(prog, "cpu_online_mask")


@takes_program_or_default
def cpu_possible_mask(prog: Program) -> Object:
    """Return the mask of possible CPUs.

    :return: ``struct cpumask *``

    >>> cpumask_to_cpulist(cpu_possible_mask(prog))
    '0-1'
    """
    return _mask(prog, "cpu_possible_mask")


@takes_program_or_default
def cpu_present_mask(prog: Program) -> Object:
    """Return the mask of present CPUs.

    :return: ``struct cpumask *``

    >>> cpumask_to_cpulist(cpu_present_mask(prog))
    '0-1'
    """
    return _mask(prog, "cpu_present_mask")


def _mask(prog: Program, name: str) -> Object:
    try:
        return prog[f"__{name}"].address_of_()
    except KeyError:
        # Before 4.5 (5aec01b834fd), the masks were reached by constant pointers.
        return prog[name].read_()


@takes_program_or_default
def cpumask_of(prog: Program, cpu: IntegerLike) -> Object:
    """Return a mask of a single CPU.

    :param cpu: CPU number.
    :return: ``struct cpumask *``

    >>> list(for_each_cpu(cpumask_of(prog, 1)))
    [1]
    """
    cpu = operator.index(cpu)
    bits_per_long = 8 * sizeof(prog.type("unsigned long"))
    word, bit = divmod(cpu, bits_per_long)
    # Row 1 + bit of cpu_bit_bitmap has that bit set in its first word; a mask for a
    # later word starts as many words before it (get_cpu_mask()).
    bits = prog["cpu_bit_bitmap"][1 + bit] - word
    return cast("struct cpumask *", bits)


def for_each_cpu(mask: Object) -> Iterator[int]:
    """Iterate over the CPUs of a mask.

    :param mask: ``struct cpumask *``

    >>> list(for_each_cpu(cpu_online_mask(prog)))
    [0, 1]
    """
    return for_each_set_bit(mask.bits, _nr_bits(mask))


@takes_program_or_default
def for_each_online_cpu(prog: Program) -> Iterator[int]:
    """Iterate over the online CPUs.

    >>> list(for_each_online_cpu(prog))
    [0, 1]
    """
    return for_each_cpu(cpu_online_mask(prog))


@takes_program_or_default
def for_each_possible_cpu(prog: Program) -> Iterator[int]:
    """Iterate over the possible CPUs.

    >>> list(for_each_possible_cpu(prog))
    [0, 1]
    """
    return for_each_cpu(cpu_possible_mask(prog))


@takes_program_or_default
def for_each_present_cpu(prog: Program) -> Iterator[int]:
    """Iterate over the present CPUs.

    >>> list(for_each_present_cpu(prog))
    [0, 1]
    """
    return for_each_cpu(cpu_present_mask(prog))


def cpumask_weight(mask: Object) -> int:
    """Return the number of CPUs in a mask.

    :param mask: ``struct cpumask *``

    >>> cpumask_weight(cpu_online_mask(prog))
    2
    """
    return bitmap_weight(mask.bits, _nr_bits(mask))


def _nr_bits(mask: Object) -> int:
    """Return how many bits of a mask are in use, which may be all there are.

    With CONFIG_CPUMASK_OFFSTACK, no more than these are allocated.
    """
    try:
        return mask.prog_["nr_cpu_ids"].value_()
    except KeyError:
        return sizeof(mask.bits) * 8  # A macro with NR_CPUS=1.


@takes_program_or_default
def num_online_cpus(prog: Program) -> int:
    """Return the number of online CPUs.

    >>> num_online_cpus(prog)
    2
    """
    return cpumask_weight(cpu_online_mask(prog))


@takes_program_or_default
def num_possible_cpus(prog: Program) -> int:
    """Return the number of possible CPUs.

    >>> num_possible_cpus(prog)
    2
    """
    return cpumask_weight(cpu_possible_mask(prog))


@takes_program_or_default
def num_present_cpus(prog: Program) -> int:
    """Return the number of present CPUs.

    >>> num_present_cpus(prog)
    2
    """
    return cpumask_weight(cpu_present_mask(prog))


def cpumask_to_cpulist(mask: Object) -> str:
    """Format a mask like the kernel, e.g., ``"0-3,8-11"``.

    :param mask: ``struct cpumask *``
    :return: List of CPU numbers and ranges as described in :manpage:`cpuset(7)`.

    >>> cpumask_to_cpulist(cpu_online_mask(prog))
    '0-1'
    """
    ranges: list[list[int]] = []
    for cpu in for_each_cpu(mask):
        if ranges and ranges[-1][1] == cpu - 1:
            ranges[-1][1] = cpu
        else:
            ranges.append([cpu, cpu])
    return ",".join(
        str(first) if first == last else f"{first}-{last}" for first, last in ranges
    )
