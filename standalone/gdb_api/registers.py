"""Registers of the selected frame: ``$pc``, ``$sp``, ``$rax``."""

from __future__ import annotations

from drgn import Object, StackFrame

from .session import Session
from .value import Value


def register(session: Session, name: str) -> Value | None:
    """A register of the selected frame; None if there is no such register."""
    return register_in(session, session.frame(), name)


def register_in(session: Session, frame: StackFrame, name: str) -> Value | None:
    """A register of a frame; None if there is no such register."""
    prog = session.prog
    platform = prog.platform
    if platform is None:
        return None
    if name == "pc":
        code = prog.pointer_type(prog.function_type(prog.void_type(), (), True))
        return Value(Object(prog, code, frame.pc))
    names = {each for known in platform.registers for each in known.names}
    if name not in names and name not in ("sp", "fp"):
        return None
    data = prog.pointer_type(prog.void_type())
    try:
        if name == "sp":
            return Value(Object(prog, data, frame.sp))
        if name == "fp":
            name = "rbp" if "rbp" in names else name
        value = frame.register(name)
    except (LookupError, ValueError):
        return Value(Object(prog, session.c_type("long")))
    if name in ("rip", "eip"):
        code = prog.pointer_type(prog.function_type(prog.void_type(), (), True))
        return Value(Object(prog, code, value))
    if name in ("rsp", "rbp", "esp", "ebp"):
        return Value(Object(prog, data, value))
    if name in ("eflags", "cs", "ss", "ds", "es", "fs", "gs", "rflags"):
        return Value(Object(prog, session.c_type("int"), value & 0x7FFFFFFF))
    signed = value - (1 << 64) if value >> 63 else value
    return Value(Object(prog, session.c_type("long"), signed))
