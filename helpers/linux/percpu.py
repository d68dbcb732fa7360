"""
Per-CPU
-------

``drgn.helpers.linux.percpu`` finds the instances of per-CPU variables
(:linux:`include/linux/percpu.h`) and sums per-CPU counters
(:linux:`include/linux/percpu_counter.h`).
"""

from __future__ import annotations

import operator

from drgn import IntegerLike, Object, Program
from drgn.helpers.linux.cpumask import for_each_online_cpu

__all__ = (
    "per_cpu",
    "per_cpu_ptr",
    "percpu_counter_sum",
    "percpu_counter_sum_positive",
)


def per_cpu_ptr(ptr: Object, cpu: IntegerLike) -> Object:
    """Return the instance of a per-CPU pointer for a CPU.

    >>> per_cpu_ptr(prog["init_net"].loopback_dev.pcpu_refcnt, 1).type_
    int *

    :param ptr: ``type __percpu *``; for variables see :func:`per_cpu()`.
    :param cpu: CPU number.
    :return: ``type *``
    :raises ValueError: if there cannot be such a CPU
    """
    prog = ptr.prog_
    address = operator.index(ptr) + _per_cpu_offset(prog, operator.index(cpu))
    return Object(prog, ptr.type_, address)


def per_cpu(var: Object, cpu: IntegerLike) -> Object:
    """Return the instance of a per-CPU variable for a CPU.

    >>> per_cpu(prog["runqueues"], 1).curr.comm
    (char [16])"spin-user"

    :param var: ``type __percpu``; for pointers see :func:`per_cpu_ptr()`.
    :param cpu: CPU number.
    :return: ``type``
    :raises ValueError: if there cannot be such a CPU
    """
    return per_cpu_ptr(var.address_of_(), cpu)[0]


def _per_cpu_offset(prog: Program, cpu: int) -> int:
    try:
        offsets = prog["__per_cpu_offset"]
    except KeyError:
        return 0  # !CONFIG_SMP
    if not 0 <= cpu < len(offsets):
        raise ValueError(f"there is no CPU {cpu}")
    return offsets[cpu].value_()


def percpu_counter_sum(fbc: Object) -> int:
    """Return the exact value of a per-CPU counter.

    :param fbc: ``struct percpu_counter *``

    >>> percpu_counter_sum(prog["vm_committed_as"].address_of_())
    14494
    """
    total: int = fbc.count.value_()
    try:
        counters = fbc.counters.read_()
    except AttributeError:
        return total  # !CONFIG_SMP
    # percpu_counter_init() has not run if this is NULL.
    if counters:
        for cpu in for_each_online_cpu(fbc.prog_):
            total += per_cpu_ptr(counters, cpu)[0].value_()
    return total


def percpu_counter_sum_positive(fbc: Object) -> int:
    """Return the exact value of a per-CPU counter, or 0 if it is negative.

    :param fbc: ``struct percpu_counter *``

    >>> percpu_counter_sum_positive(prog["vm_committed_as"].address_of_())
    14494
    """
    return max(percpu_counter_sum(fbc), 0)
