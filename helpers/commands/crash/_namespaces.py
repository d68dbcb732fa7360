"""The namespaces of a task that is named, or of the context."""

from __future__ import annotations

from drgn import Object, Program

from ._code import CrashCodeBuilder
from ._context import task_context
from ._define import PidOrTask


def find_namespace(prog: Program, chosen: PidOrTask | None, member: str) -> Object:
    """A member of a task's ``struct nsproxy``; the initial one if the context's task
    has exited.

    Raises LookupError if there is no such task, ValueError if it has exited.
    """
    task = task_context(prog, chosen)
    namespaces = task.nsproxy.read_()
    if not namespaces:
        if chosen is not None:
            pid = task.pid.value_()
            raise ValueError(f"task {pid} has exited and is in no namespace")
        namespaces = prog["init_task"].nsproxy
    found: Object = namespaces.member_(member).read_()
    return found


def append_namespace(
    code: CrashCodeBuilder, prog: Program, chosen: PidOrTask | None, member: str
) -> str:
    """Assign what ``find_namespace()`` finds to a variable, and return its name.

    The helpers assume the initial namespace, which needs no code and has no name.
    """
    initial = prog["init_task"].nsproxy.member_(member)
    if chosen is None and find_namespace(prog, None, member) == initial:
        return ""
    code.append_task(chosen)
    code.append(f"{member} = task.nsproxy.{member}\n\n")
    return member
