"""
Resource Limits
---------------

``drgn.helpers.linux.resource`` reads the limits of a task's resources.
"""

from __future__ import annotations

from typing import NamedTuple

from drgn import Object

__all__ = ("task_rlimits",)

# include/uapi/asm-generic/resource.h; the numbers are alike on all architectures but
# Alpha, MIPS and SPARC.
_NAMES = (
    "CPU",
    "FSIZE",
    "DATA",
    "STACK",
    "CORE",
    "RSS",
    "NPROC",
    "NOFILE",
    "MEMLOCK",
    "AS",
    "LOCKS",
    "SIGPENDING",
    "MSGQUEUE",
    "NICE",
    "RTPRIO",
    "RTTIME",
)


class Rlimit(NamedTuple):
    """Limits of a resource, each ``None`` if there is none."""

    cur: int | None
    """Soft limit."""
    max: int | None
    """Hard limit."""


def task_rlimits(task: Object) -> dict[str, Rlimit]:
    """Return the resource limits of a task by name, e.g., ``"NOFILE"``.

    >>> task_rlimits(find_task(1))["NOFILE"]
    Rlimit(cur=1024, max=4096)

    :param task: ``struct task_struct *``
    """
    limits = task.signal.rlim.read_()
    infinity = (1 << 8 * task.prog_.address_size()) - 1

    def limit(value: Object) -> int | None:
        number: int = value.value_()
        return None if number == infinity else number

    return {
        name: Rlimit(limit(rlim.rlim_cur), limit(rlim.rlim_max))
        for name, rlim in zip(_NAMES, limits, strict=False)
    }
