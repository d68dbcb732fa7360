"""``struct_name.member,member[3].submember``: a type, and members of it to show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from drgn import Object, Program, Type, offsetof

_PART = r"[A-Za-z_]\w*(?:\[\d+\])*"
_MEMBER = rf"{_PART}(?:\.{_PART})*"
_SPEC = re.compile(rf"([A-Za-z_]\w*)(?:\.({_MEMBER}(?:,{_MEMBER})*))?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]+")
_OFFSET = re.compile(rf"([A-Za-z_]\w*)\.({_MEMBER})")


class TypeSpec(NamedTuple):
    """A type's name, without its keyword, and designators of members."""

    type_name: str
    members: tuple[str, ...] = ()


class MemberOffset(NamedTuple):
    """An offset in bytes; the type and the member that it was given by, if so."""

    bytes: int
    type: Type | None = None
    member: str | None = None


def parse_type_spec(text: str) -> TypeSpec:
    """Part ``name.member,member``. Raises ValueError."""
    match = _SPEC.fullmatch(text)
    if match is None:
        raise ValueError(f"not a type name with members: {text!r}")
    return TypeSpec(match[1], tuple(match[2].split(",")) if match[2] else ())


def parse_members(text: str) -> tuple[str, ...]:
    """Part ``member,member``. Raises ValueError."""
    members = tuple(text.split(","))
    for member in members:
        if re.fullmatch(_MEMBER, member) is None:
            raise ValueError(f"invalid member name: {member}")
    return members


def find_type(
    prog: Program, name: str, kinds: Sequence[str] = ("struct", "union", "class")
) -> Type:
    """The type of a name whose keyword was left out, or a typedef of such a type.

    Raises LookupError.
    """
    for kind in kinds:
        try:
            return prog.type(f"{kind} {name}")
        except LookupError:
            continue
    try:
        type = prog.type(name)
    except (LookupError, SyntaxError):
        pass
    else:
        if type.unaliased().kind.name.lower() in kinds:
            return type
    names = " or ".join(kind for kind in kinds if kind != "class")
    raise LookupError(f"there is no {names} {name}")


def parse_offset(prog: Program, text: str) -> MemberOffset:
    """Parse a number of bytes (decimal, or hexadecimal after 0x) or a type's member.

    Raises LookupError for an unknown type or member, ValueError for other text.
    """
    if _NUMBER.fullmatch(text):
        return MemberOffset(int(text, 16 if text[:2] in ("0x", "0X") else 10))
    match = _OFFSET.fullmatch(text)
    if match is None:
        raise ValueError(f"invalid offset: {text}")
    type = find_type(prog, match[1])
    return MemberOffset(offsetof(type, match[2]), type, match[2])


def print_object(
    object: Object, members: Sequence[str], options: dict[str, Any]
) -> None:
    """Print an object, or a line or more for each of the members.

    ``options`` are those of ``Object.format_()``. Raises LookupError for a member that
    the type has not, FaultError where the memory cannot be read.
    """
    if not members:
        print(object.format_(**options))
    for member in members:
        print(f"{member} = {object.subobject_(member).format_(**options)}")


def members_code(members: Sequence[str], name: str = "object") -> str:
    """Code that assigns the members of an object to variables of their names."""
    return "".join(f"{member_variable(each)} = {name}.{each}\n" for each in members)


def member_variable(member: str) -> str:
    """A variable's name for a designator: ``a.b[2]`` gives ``a_b_2``."""
    return re.sub(r"\W+", "_", member.replace("]", ""))
