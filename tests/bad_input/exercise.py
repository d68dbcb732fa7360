"""What a session asks of a Program, and which answers it may get."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from drgn import (
    BadDataError,
    FaultError,
    MissingDebugInfoError,
    Module,
    Object,
    ObjectAbsentError,
    ObjectNotFoundError,
    OutOfBoundsError,
    Program,
    StackFrame,
    Thread,
    Type,
    TypeKind,
    UnsupportedOperation,
)

NAMES = ("root", "nodes", "shapes", "table", "unsized", "flags", "work", "visit", "RED")
TYPES = (
    "struct node",
    "union value",
    "struct shape",
    "enum color",
    "visitor",
    "word",
    "struct node *[4]",
    "unsigned long",
)
ADDRESSES = (0, 0x1000, 0x400000, 0x401000, 0xFFFFFFFF81000000, 2**64 - 8)
_COMPOUND = (TypeKind.STRUCT, TypeKind.UNION, TypeKind.CLASS)
_ERRORS = (
    BadDataError,
    FaultError,
    MissingDebugInfoError,
    ObjectAbsentError,
    ObjectNotFoundError,
    OutOfBoundsError,
    NotImplementedError,
    OSError,
    UnsupportedOperation,
)
_MOST = 40

Question = Callable[[], object]


def is_error(error: BaseException) -> bool:
    """Whether an exception is one that bad data may cause."""
    # ValueError and LookupError, but no subclass such as UnicodeDecodeError or
    # IndexError, which are what a mistake of ours looks like.
    if isinstance(error, _ERRORS) or type(error) in (ValueError, LookupError):
        return bool(str(error))
    # Damage can turn a definition into a declaration.
    return type(error) is TypeError and "incomplete" in str(error)


def answers(prog: Program) -> dict[str, str]:
    """Ask everything: answers, or names of exceptions in angle brackets, by question.

    Exceptions that bad data may not cause are raised.
    """
    return {question: _answer(ask) for question, ask in _questions(prog)}


def _answer(ask: Callable[..., object], *arguments: object) -> str:
    try:
        return str(ask(*arguments))
    except Exception as error:
        if not is_error(error):
            raise
        return f"<{type(error).__name__}>"


def _questions(prog: Program) -> Iterator[tuple[str, Question]]:
    yield "modules", lambda: [_module(m) for m, _ in prog.loaded_modules()]
    yield "threads", lambda: [_thread(thread) for thread in prog.threads()]
    yield "main thread", lambda: _thread(prog.main_thread())
    yield "crashed thread", lambda: _thread(prog.crashed_thread())
    yield (
        "frames",
        lambda: [
            _frame(frame)
            for frame in islice(prog.crashed_thread().stack_trace(), _MOST)
        ],
    )
    for name in TYPES:
        yield f"type {name}", lambda name=name: _type(prog.type(name))
    for name in NAMES:
        yield f"object {name}", lambda name=name: _object(prog[name])
        yield f"value {name}", lambda name=name: prog[name]
        yield f"symbol {name}", lambda name=name: prog.symbol(name)
        yield f"source of {name}", lambda name=name: prog.source_location(name)
    for name in ("VMCOREINFO", "UTS_RELEASE"):
        yield name, lambda name=name: prog[name]
    yield "symbols", lambda: prog.symbols()[:_MOST]
    yield "source", lambda: prog.source_location((prog["work"].address_ or 0) + 8)
    for address in ADDRESSES:
        yield f"memory {address:#x}", lambda a=address: prog.read(a, 16)
        yield f"physical {address:#x}", lambda a=address: prog.read(a, 16, True)
        yield f"symbol of {address:#x}", lambda a=address: prog.symbol(a)


def _module(module: Module) -> str:
    attributes = ("name", "address_ranges", "build_id", "debug_file_path")
    return " ".join(_answer(getattr, module, name) for name in attributes)


def _thread(thread: Thread) -> list[str]:
    return [
        str(thread.tid),
        _answer(getattr, thread, "name"),
        _answer(thread.stack_trace),
    ]


def _frame(frame: StackFrame) -> list[str]:
    lines = [_answer(ask) for ask in (frame.source, frame.symbol, frame.registers)]
    lines += [_answer(str, frame), _answer(getattr, frame, "sp")]
    names: list[str] = []
    lines.append(_answer(lambda: names.extend(frame.locals())))
    lines += [_answer(lambda name: _object(frame[name]), name) for name in names]
    return lines


def _type(tp: Type, depth: int = 0) -> str:
    lines = [_answer(str, tp), _answer(repr, tp)]
    if depth == 3:
        return "\n".join(lines)
    inner: list[Question] = []
    if tp.kind in _COMPOUND:
        lines.append(_answer(getattr, tp, "size"))
        for member in islice(tp.members or (), _MOST):
            lines.append(f"{member.name} {member.bit_offset}")
            lines.append(_answer(getattr, member, "bit_field_size"))
            inner.append(lambda member=member: member.type)
    elif tp.kind is TypeKind.ENUM:
        lines.append(_answer(getattr, tp, "enumerators"))
    elif tp.kind is TypeKind.FUNCTION:
        inner.append(lambda: tp.type)
        for parameter in tp.parameters[:_MOST]:
            lines.append(str(parameter.name))
            inner.append(lambda parameter=parameter: parameter.type)
    elif tp.kind in (TypeKind.POINTER, TypeKind.ARRAY, TypeKind.TYPEDEF):
        inner.append(lambda: tp.type)
    lines += [_answer(lambda ask: _type(ask(), depth + 1), ask) for ask in inner]
    return "\n".join(lines)


def _object(obj: Object, depth: int = 0) -> str:
    tp = obj.type_
    while tp.kind is TypeKind.TYPEDEF:
        tp = tp.type
    lines = [_answer(repr, obj)]
    if depth == 4:
        return lines[0]
    inner: list[Question] = []
    if tp.kind in _COMPOUND:
        for member in islice(tp.members or (), _MOST):
            if member.name:
                inner.append(lambda name=member.name: obj.member_(name))
    elif tp.kind is TypeKind.POINTER:
        lines.append(_answer(obj.value_))
        if tp.type.kind not in (TypeKind.VOID, TypeKind.FUNCTION):
            inner.append(lambda: obj[0])
        if tp.type.kind is TypeKind.INT and tp.type.size == 1:
            lines.append(_answer(obj.string_))
    elif tp.kind is TypeKind.ARRAY:
        for index in range(min(tp.length or 0, 3)):
            inner.append(lambda index=index: obj[index])
    elif tp.kind is not TypeKind.FUNCTION:
        lines.append(_answer(obj.value_))
    lines += [_answer(lambda ask: _object(ask(), depth + 1), ask) for ask in inner]
    return "\n".join(lines)
