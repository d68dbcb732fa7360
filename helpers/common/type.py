"""
Types
-----

``drgn.helpers.common.type`` answers questions about types that the engine
itself does not.
"""

from __future__ import annotations

import enum
import math
import operator
from collections.abc import Container

from drgn import (
    IntegerLike,
    Object,
    Type,
    TypeKind,
    TypeMember,
    get_default_prog,
    offsetof,
    sizeof,
)

__all__ = ("enum_type_to_class", "member_at_offset", "typeof_member")

_COMPOUND = (TypeKind.STRUCT, TypeKind.UNION, TypeKind.CLASS)


def enum_type_to_class(
    type: Type, name: str, exclude: Container[str] = (), prefix: str = ""
) -> type[enum.IntEnum]:
    """Make an :class:`enum.IntEnum` class of an enumerated type.

    :param type: Enumerated type.
    :param name: Name of the new class.
    :param exclude: Names of enumerators to leave out.
    :param prefix: Prefix to take away from the enumerators' names.
    :raises TypeError: if *type* is not a complete enumerated type

    >>> pid_type = prog.type("enum pid_type")
    >>> enum_type_to_class(pid_type, "PidType", prefix="PIDTYPE_").TGID
    <PidType.TGID: 1>
    """
    import enum

    if type.enumerators is None:
        raise TypeError("enum type is incomplete")
    return enum.IntEnum(  # type: ignore[return-value]
        name,
        [
            (enumerator.name.removeprefix(prefix), enumerator.value)
            for enumerator in type.enumerators
            if enumerator.name not in exclude
        ],
    )


def typeof_member(type: Type | str, member: str) -> Type:
    """Return the type of a member, like the kernel's ``typeof_member()``.

    :param type: Structure, union or class type; a name is looked up in the
        :ref:`default program <default-program>`.
    :param member: Member designator, e.g., ``"a"``, ``"a.b"`` or ``"a.b[2].c"``.
    :raises TypeError: if *type*, or what a ``.`` or ``[]`` in *member* applies to,
        is of another kind
    :raises LookupError: if there is no such member

    >>> typeof_member("struct task_struct", "comm")
    char [16]
    """
    type = _resolve(type)
    try:
        offsetof(type, member)  # Checks the designator; it may not follow pointers.
    except ValueError:
        pass  # A bit field that does not begin at a byte has a type all the same.
    return Object(type.prog, type, address=0).subobject_(member).type_


def member_at_offset(type: Type | str, offset: IntegerLike) -> str:
    """Return what lies at an offset in a type, the reverse of :func:`~drgn.offsetof`.

    Members of nested structures and arrays are spelled out (``"a.b[2]"``), all
    matching members of a union are joined by ``" or "``, an offset inside of a
    member is appended (``"next+0x4"``), and offsets between and after the members
    are described in angle brackets.

    :param type: Structure, union, class or array type; a name is looked up in
        the :ref:`default program <default-program>`.
    :param offset: Offset in bytes.
    :raises TypeError: if *type* is none of those

    >>> member_at_offset("struct list_head", 8)
    'prev'
    """
    type = _strip(_resolve(type))
    if type.kind not in _COMPOUND and type.kind != TypeKind.ARRAY:
        raise TypeError("must be compound type or array")
    bit_offset = operator.index(offset) * 8
    found = _describe(type, bit_offset, "")
    if not found:
        return "<end>" if bit_offset == sizeof(type) * 8 else "<past end>"
    return " or ".join(found)


def _describe(type: Type, bit_offset: int, path: str) -> list[str]:
    """Spell out what covers *bit_offset* in *type*, which *path* leads to.

    The list is empty if *bit_offset* is at or past the end.
    """
    type = _strip(type)
    if type.kind == TypeKind.ARRAY:
        element_bits = sizeof(type.type) * 8
        if bit_offset >= _bit_size(type):
            return []
        i, rest = divmod(bit_offset, element_bits)
        return _describe(type.type, rest, f"{path}[{i}]")
    if type.kind not in _COMPOUND or type.members is None:
        return [_inside(path, bit_offset)]
    found = []
    for member in type.members or ():
        start = member.bit_offset
        if not start <= bit_offset < _bit_end(member):
            continue
        name = _join(path, member.name) if member.name else path
        if member.bit_field_size is None:
            found.extend(_describe(member.type, bit_offset - start, name))
        else:
            found.append(_inside(name, bit_offset - start))
    if not found and bit_offset < sizeof(type) * 8:
        found.append(_join(path, _padding(type, bit_offset)))
    return found


def _padding(type: Type, bit_offset: int) -> str:
    """Describe the gap between members that *bit_offset* lies in."""
    before = after = None
    for member in type.members or ():
        if member.bit_offset >= bit_offset:  # an empty one may begin there
            if after is None or member.bit_offset < after.bit_offset:
                after = member
        elif before is None or member.bit_offset > before.bit_offset:
            before = member
    if after is None:
        return "<padding at end>"
    if before is None:
        return "<padding at beginning>"
    names = (member.name or "<unnamed>" for member in (before, after))
    return "<padding between {} and {}>".format(*names)


def _bit_end(member: TypeMember) -> float:
    bits = member.bit_field_size
    return member.bit_offset + (_bit_size(member.type) if bits is None else bits)


def _bit_size(type: Type) -> float:
    """Size in bits; a flexible array member has no end, an incomplete one no size."""
    type = _strip(type)
    if type.kind == TypeKind.ARRAY and type.length is None:
        return math.inf if sizeof(type.type) else 0
    if type.kind in _COMPOUND and type.members is None:
        return 0
    return sizeof(type) * 8


def _inside(path: str, bits: int) -> str:
    if bits % 8:
        return f"{path}+{bits} bits"
    return f"{path}+{hex(bits // 8)}" if bits else path


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _resolve(type: Type | str) -> Type:
    return type if isinstance(type, Type) else get_default_prog().type(type)


def _strip(type: Type) -> Type:
    while type.kind == TypeKind.TYPEDEF:
        type = type.type
    return type
