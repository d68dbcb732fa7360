"""Damaged debug information: a right answer or an exception that says where."""

from __future__ import annotations

import dwarf_asm
import pytest
from dwarf_asm import A, D, Unit
from hypothesis import given, settings
from hypothesis import strategies as st

from drgn import (
    Architecture,
    BadDataError,
    FaultError,
    ObjectNotFoundError,
    Platform,
    Program,
)
from drgn.engine.dwarf import build
from drgn.engine.dwarf import constants as dw
from drgn.engine.elf.file import ElfFile


def everything(version: int) -> bytes:
    """A file with a bit of everything."""
    number = D(dw.DW_TAG_base_type, name="int", byte_size=4, encoding=dw.DW_ATE_signed)
    const = D(dw.DW_TAG_const_type, type=number)
    struct = D(dw.DW_TAG_structure_type, name="s", byte_size=A(dw.DW_FORM_data1, 16))
    pointer = D(dw.DW_TAG_pointer_type, type=struct, byte_size=A(dw.DW_FORM_data1, 8))
    bounds = D(dw.DW_TAG_subrange_type, upper_bound=A(dw.DW_FORM_data1, 2))
    array = D(dw.DW_TAG_array_type, [bounds], type=const)
    struct.children = [
        D(
            dw.DW_TAG_member,
            name=A(dw.DW_FORM_strp, "m"),
            type=array,
            data_member_location=A(dw.DW_FORM_data1, 0),
        ),
        D(
            dw.DW_TAG_member,
            name="p",
            type=pointer,
            data_member_location=A(dw.DW_FORM_udata, 8),
        ),
        D(
            dw.DW_TAG_member,
            name="b",
            type=number,
            data_member_location=A(dw.DW_FORM_udata, 4),
            bit_size=A(dw.DW_FORM_data1, 5),
        ),
    ]
    enum = D(
        dw.DW_TAG_enumeration_type,
        [D(dw.DW_TAG_enumerator, name="E", const_value=-1)],
        name="e",
        byte_size=A(dw.DW_FORM_data1, 4),
    )
    typedef = D(dw.DW_TAG_typedef, name="t", type=pointer)
    function = D(
        dw.DW_TAG_subprogram,
        [D(dw.DW_TAG_formal_parameter, name="x", type=typedef)],
        name="f",
        type=number,
        low_pc=0x1000,
        high_pc=0x10,
    )
    declared = D(dw.DW_TAG_variable, name="v", type=struct, declaration=None)
    variable = D(
        dw.DW_TAG_variable, specification=declared, location=b"\x03" + bytes(8)
    )
    dies = [number, const, struct, pointer, array, enum, typedef, function]
    units = [
        Unit([*dies, declared, variable], version),
        Unit([D(dw.DW_TAG_namespace, [D(dw.DW_TAG_variable, name="n")], name="a")]),
    ]
    units[1].language = dw.DW_LANG_C_plus_plus
    return dwarf_asm.elf(dwarf_asm.assemble(units))


IMAGES = {version: everything(version) for version in (4, 5)}


def ask(image: bytes) -> None:
    """Everything that the debug information can be asked."""
    prog = Program(Platform(Architecture.X86_64))
    module = prog.extra_module("x", create=True)
    module = module[0] if isinstance(module, tuple) else module
    module._debug_file = ElfFile.from_bytes(image, "image")
    file = prog._debug.add(module)
    if file is None:
        return

    def attempt(question) -> None:
        try:
            question()
        except (BadDataError, LookupError, FaultError) as e:
            if isinstance(e, BadDataError):
                assert "image: " in str(e)
        except RecursionError:
            # A function that is its own parameter cannot be written down.
            pass
        except (TypeError, OverflowError, ValueError) as e:
            # What the program's own types are, a user may ask in vain: an incomplete
            # type has no size, one of 2**60 bytes cannot be read, a bit field is an
            # integer.
            words = ("type", "large", "big", "unsupported", "bit field")
            assert any(word in str(e) for word in words)

    for name in ("struct s", "enum e", "t", "int"):
        attempt(lambda name=name: str(prog.type(name)))
    for name in ("f", "E", "v", "a::n", "n"):
        attempt(lambda name=name: str(prog[name].type_))
        attempt(lambda name=name: prog.object(name, filename="test.c"))
    attempt(lambda: file.function_at(0x1008))
    attempt(lambda: [list(u.root.children()) for u in file.units()])
    attempt(lambda: [d.attributes() for u in file.units() for d in u.root.children()])
    attempt(lambda: [d.ranges() for u in file.units() for d in u.root.children()])


@pytest.mark.parametrize("version", IMAGES)
def test_undamaged(version: int) -> None:
    ask(IMAGES[version])
    prog = Program(Platform(Architecture.X86_64))
    module = prog.extra_module("x", create=True)
    module = module[0] if isinstance(module, tuple) else module
    module._debug_file = ElfFile.from_bytes(IMAGES[version], "image")
    prog._debug.add(module)
    assert prog["v"].type_.member("m").type.type_name() == "const int [3]"
    assert prog["E"].value_() == -1
    assert prog["f"].type_.type_name() == "int (t x)"
    with pytest.raises(ObjectNotFoundError):
        _ = prog["n"]


DAMAGE = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)),
    min_size=1,
    max_size=3,
)


def damaged(version: int, damage: list[tuple[float, int]]) -> bytes:
    image = bytearray(IMAGES[version])
    for position, byte in damage:
        image[int(position * len(image))] = byte
    return bytes(image)


@settings(deadline=None)
@given(st.sampled_from(sorted(IMAGES)), DAMAGE)
def test_damage(version: int, damage: list[tuple[float, int]]) -> None:
    try:
        ask(damaged(version, damage))
    except BadDataError as e:
        assert "image: " in str(e)


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(sorted(IMAGES)), DAMAGE)
def test_damage_and_the_compiled_scan(
    version: int, damage: list[tuple[float, int]]
) -> None:
    limit = build._PLAIN_SIZE
    build._PLAIN_SIZE = 0
    try:
        ask(damaged(version, damage))
    except BadDataError as e:
        assert "image: " in str(e)
    finally:
        build._PLAIN_SIZE = limit


@pytest.mark.parametrize("version", IMAGES)
def test_cut_short(version: int) -> None:
    image = IMAGES[version]
    for size in range(0, len(image), 7):
        try:
            ask(image[:size])
        except BadDataError as e:
            assert "image: " in str(e)
