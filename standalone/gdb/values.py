"""Values that go to GDB as expressions, and come from it as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drgn import Object, Program, Type, TypeKind
from drgn.gdb_process import gdb_type_name

_STRUCTURES = (TypeKind.STRUCT, TypeKind.UNION, TypeKind.CLASS)
_INTEGERS = (TypeKind.INT, TypeKind.BOOL, TypeKind.ENUM, TypeKind.POINTER)


def expression_of(obj: Object) -> str:
    """An expression of GDB's for an Object."""
    type = obj.type_.unaliased()
    if obj.address_ is not None and obj.bit_field_size_ is None:
        return f"*({_pointer_to(obj)}) {obj.address_:#x}"
    if type.kind is TypeKind.ARRAY:
        return _literal(obj.to_bytes_()[:-1])
    if type.kind in _STRUCTURES:
        # GDB puts literals into the program's memory.
        return f"*({_pointer_to(obj)}) {_literal(obj.to_bytes_())}"
    value = obj.value_()
    text = repr(value) if isinstance(value, float) else str(int(value))
    return f"({gdb_type_name(obj.type_)}) {text}"


def _pointer_to(obj: Object) -> str:
    return gdb_type_name(obj.prog_.pointer_type(obj.type_))


def _literal(data: bytes) -> str:
    return '"' + "".join(f"\\{octet:03o}" for octet in data) + '"'


def object_of(
    prog: Program, type: Type, expression: str, evaluate: Callable[[str], str]
) -> Object:
    """The Object that an expression of GDB's is a value of.

    ``evaluate`` gives the text of a scalar expression.
    """
    return Object(prog, type, _value(type, expression, evaluate))


def _value(type: Type, expression: str, evaluate: Callable[[str], str]) -> Any:
    plain = type.unaliased()
    if plain.kind in _INTEGERS:
        return int(evaluate(f"(unsigned long long) ({expression})"), 0)
    if plain.kind is TypeKind.FLOAT:
        return float(evaluate(f"(double) ({expression})"))
    if plain.kind is TypeKind.ARRAY:
        return [
            _value(plain.type, f"({expression})[{i}]", evaluate)
            for i in range(plain.length or 0)
        ]
    members = {}
    for member in plain.members or ():
        if member.name is None:
            members.update(_value(member.type, expression, evaluate))
        else:
            members[member.name] = _value(
                member.type, f"({expression}).{member.name}", evaluate
            )
        if plain.kind is TypeKind.UNION:
            break
    return members
