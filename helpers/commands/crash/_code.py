"""The code that ``--drgn`` prints."""

from __future__ import annotations

from collections.abc import Sequence

from drgn import Program
from drgn.commands import DrgnCodeBlockContext, DrgnCodeBuilder

from ._context import context_origin
from ._cpuspec import Cpuspec
from ._define import PidOrTask


class CrashCodeBuilder(DrgnCodeBuilder):
    """``DrgnCodeBuilder`` with what the commands have in common.

    The code is about the program ``prog``, which is the default program too.
    """

    def __init__(self, prog: Program) -> None:
        super().__init__(prog)
        self.program = prog

    def append_task(self, chosen: PidOrTask | None = None, name: str = "task") -> None:
        """Assign a task, by default that of the context, to a variable."""
        self.append_origin(chosen or context_origin(self.program), name)

    def append_origin(self, origin: tuple[str, int | None], name: str = "task") -> None:
        """Assign the task of an origin (see :mod:`._context`) to a variable."""
        kind, value = origin
        if kind == "task":
            self.add_from_import("drgn", "Object")
            self.append(f'{name} = Object(prog, "struct task_struct *", {value:#x})\n')
        elif kind == "pid":
            self.add_from_import("drgn.helpers.linux.pid", "find_task")
            self.append(f"{name} = find_task({value})\n")
        elif kind == "cpu":
            self.add_from_import("drgn.helpers.linux.sched", "cpu_curr")
            self.append(f"{name} = cpu_curr({value})\n")
        else:
            self.add_from_import("drgn.helpers.linux.panic", "panic_task")
            self.append(f"{name} = panic_task()\n")

    def append_for_each(self, name: str, values: Sequence[int], body: str) -> None:
        """Add code for each of some numbers, without a loop for only one."""
        if len(values) == 1:
            self.append(f"{name} = {values[0]:#x}\n{body}")
            return
        numbers = ", ".join(f"{value:#x}" for value in values)
        with self.begin_block(f"for {name} in ({numbers}):\n"):
            self.append(body)

    def begin_cpus(self, cpuspec: Cpuspec) -> DrgnCodeBlockContext:
        """Begin a block in which ``cpu`` is each CPU that is meant."""
        if cpuspec.kind == "current":
            self.add_from_import("drgn.helpers.linux.sched", "task_cpu")
            self.append_task()
            self.append("cpu = task_cpu(task)\n")
            return self.begin_block("")
        if cpuspec.kind == "all":
            self.add_from_import("drgn.helpers.linux.cpumask", "for_each_possible_cpu")
            return self.begin_block("for cpu in for_each_possible_cpu():\n")
        return self.begin_block(f"for cpu in {list(cpuspec.cpus)}:\n")
