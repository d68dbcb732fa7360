"""Members out of the bytes of structures, which the log and others are read by."""

from __future__ import annotations

import pytest

from drgn import (
    Architecture,
    Object,
    Platform,
    PlatformFlags,
    Program,
    Type,
    TypeMember,
)
from drgn.helpers.linux._raw import record_reader

LITTLE = PlatformFlags.IS_64_BIT | PlatformFlags.IS_LITTLE_ENDIAN


def record(prog: Program) -> Type:
    byte = prog.int_type("unsigned char", 1, False)
    word = prog.int_type("unsigned int", 4, False)
    odd = prog.int_type("unsigned long", 8, False)
    inner = prog.struct_type("inner", 8, (TypeMember(odd, "count"),))
    fields = (("flags", 5), ("level", 3), ("wide", 11), ("rest", 13))
    members = []
    first = 0
    for name, size in fields:
        members.append(TypeMember(Object(prog, word, bit_field_size=size), name, first))
        first += size
    return prog.struct_type(
        "record",
        24,
        (
            *members,
            TypeMember(prog.array_type(byte, 3), "name", 32),
            TypeMember(word, "word", 64),
            TypeMember(inner, "inner", 128),
        ),
    )


@pytest.mark.parametrize("flags", [LITTLE, PlatformFlags.IS_64_BIT])
def test_members(flags: PlatformFlags) -> None:
    prog = Program(Platform(Architecture.UNKNOWN, flags))
    type = record(prog)
    data = bytes(range(0xE1, 0xE1 + 24))
    value = Object.from_bytes_(prog, type, data)
    names = ("inner.count", "rest", "wide", "level", "flags", "word")
    expected = [value.subobject_(name).value_() for name in names]
    assert record_reader(type, *names, "name")(data) == [*expected, data[4:7]]


def test_a_member_that_is_not_there() -> None:
    prog = Program(Platform(Architecture.UNKNOWN, LITTLE))
    with pytest.raises(LookupError, match="'struct record' has no member 'nosuch'"):
        record_reader(record(prog), "level", "nosuch")
