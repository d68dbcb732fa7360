"""CPUs as they are typed: ``0,2-3``, ``a`` for all possible ones, nothing for one."""

from __future__ import annotations

import re
from typing import NamedTuple

from drgn import Program
from drgn.helpers.linux.cpumask import for_each_possible_cpu


class Cpuspec(NamedTuple):
    """``kind`` is "current" (the CPU of the context), "all" or "explicit"."""

    kind: str
    cpus: tuple[int, ...] = ()

    def resolve(self, prog: Program) -> list[int]:
        """The CPUs that are meant.

        Raises ValueError for one that cannot be, and what ``task_context()`` raises.
        """
        if self.kind == "current":
            from drgn.helpers.linux.sched import task_cpu

            from ._context import task_context

            return [task_cpu(task_context(prog))]
        possible = list(for_each_possible_cpu(prog))
        if self.kind == "all":
            return possible
        wrong = [str(cpu) for cpu in self.cpus if cpu not in set(possible)]
        if wrong:
            raise ValueError(f"invalid CPUs: {', '.join(wrong)}")
        return list(self.cpus)


_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
_MOST_CPUS = 1 << 16


def parse_cpuspec(text: str) -> Cpuspec:
    """Parse what follows the colon. Raises ValueError."""
    if not text:
        return Cpuspec("current")
    if text in ("a", "all"):
        return Cpuspec("all")
    return Cpuspec("explicit", parse_cpus(text))


def parse_cpus(text: str) -> tuple[int, ...]:
    """Parse CPU numbers and ranges with commas between. Raises ValueError."""
    cpus: list[int] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"invalid cpuspec: {text}")
        first = int(match[1])
        last = int(match[2] or first)
        if not first <= last < _MOST_CPUS:
            raise ValueError(f"not a range of CPUs: {part!r}")
        cpus += range(first, last + 1)
    return tuple(sorted(set(cpus)))
