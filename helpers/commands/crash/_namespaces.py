"""The namespaces that a task is in."""

from __future__ import annotations

from drgn import Object, Program

from ._context import task_context
from ._define import PidOrTask


def task_namespaces(prog: Program, chosen: PidOrTask) -> Object:
    """The ``struct nsproxy *`` of a task that was named.

    Raises LookupError if there is no such task, ValueError if it has exited.
    """
    task = task_context(prog, chosen)
    namespaces: Object = task.nsproxy.read_()
    if not namespaces:
        raise ValueError(f"task {task.pid.value_()} has exited and is in no namespace")
    return namespaces
