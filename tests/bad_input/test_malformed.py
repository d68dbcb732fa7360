"""Debug information that is well-formed as DWARF and makes no sense."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dwarf_asm
import pytest
from bad_input.damage import limits, open_file
from dump_builders import PAGE, flattened, kdump
from dwarf_asm import A, D, Unit

from drgn import BadDataError, FaultError, Object, Program, Type
from drgn.engine.dwarf import constants as dw

AT_ZERO = b"\x03" + bytes(8)
"""DW_OP_addr 0"""


def program(tmp_path: Path, dies: list[D], **sections: bytes) -> Program:
    """A Program with these DIEs, and a page of zeros at 0."""
    made = dwarf_asm.assemble([Unit(dies)])
    made.update({f".{name}": data for name, data in sections.items()})
    path = tmp_path / "image"
    path.write_bytes(dwarf_asm.elf(made))
    prog = open_file(path)
    prog.add_memory_segment(0, PAGE, lambda _address, count, *_: bytes(count))
    return prog


def struct(tag: str, **named: object) -> D:
    return D(dw.DW_TAG_structure_type, name=tag, byte_size=8, **named)


def member(type_: D | None, name: str | None = "m") -> D:
    die = D(dw.DW_TAG_member, data_member_location=A(dw.DW_FORM_data1, 0))
    if name is not None:
        die.attributes += D(0, name=name).attributes
    if type_ is not None:
        die.attributes += D(0, type=type_).attributes
    return die


def variable(type_: D) -> D:
    return D(dw.DW_TAG_variable, name="v", type=type_, location=AT_ZERO)


USES: dict[str, Callable[[Object], object]] = {
    "str": str,
    "value": lambda obj: obj.value_(),
    "from bytes": lambda obj: str(obj.read_()),
    "format": lambda obj: obj.format_(columns=40),
    "dtype": lambda obj: obj.type_.dtype,
    "array": lambda obj: obj.prog_.read_array(obj.type_, 0, 2),
}


@pytest.mark.parametrize("name", ["m", None])
@pytest.mark.parametrize("use", USES)
def test_structure_in_itself(use: str, name: str | None, tmp_path: Path) -> None:
    outer, inner = struct("outer"), struct("inner")
    outer.children = [member(inner, name)]
    inner.children = [member(outer, name)]
    prog = program(tmp_path, [outer, inner, variable(outer)])
    what = "object" if name else "anonymous member"
    with (
        limits(),
        pytest.raises(RecursionError, match=f"maximum {what} depth exceeded"),
    ):
        USES[use](prog["v"])


def test_array_of_the_structure_it_is_in(tmp_path: Path) -> None:
    outer = struct("outer")
    dimension = D(dw.DW_TAG_subrange_type, count=A(dw.DW_FORM_data1, 2))
    array = D(dw.DW_TAG_array_type, [dimension], type=outer)
    outer.children = [member(array)]
    prog = program(tmp_path, [outer, array, variable(outer)])
    with limits(), pytest.raises(RecursionError, match="maximum object depth"):
        str(prog["v"])


def test_array_without_elements_of_the_structure_it_is_in(tmp_path: Path) -> None:
    outer = struct("outer")
    dimension = D(dw.DW_TAG_subrange_type, count=A(dw.DW_FORM_data1, 0))
    array = D(dw.DW_TAG_array_type, [dimension], type=outer)
    outer.children = [member(array)]
    prog = program(tmp_path, [outer, array, variable(outer)])
    prog.add_memory_segment(0, 8, lambda address, count, offset, physical: bytes(count))
    with limits():
        assert prog["v"].value_() == {"m": []}


def function_type() -> D:
    return D(dw.DW_TAG_subroutine_type)


def first_member(prog: Program) -> Type:
    members = prog.type("struct s").members
    assert members is not None
    return members[0].type


def test_members_have_a_type(tmp_path: Path) -> None:
    prog = program(tmp_path, [struct("s", children=[member(None)])])
    message = f"{tmp_path}/image: DIE at .*DW_TAG_member is missing DW_AT_type"
    with pytest.raises(BadDataError, match=message):
        first_member(prog)


def test_members_without_a_value(tmp_path: Path) -> None:
    function = function_type()
    outer = struct("s", children=[member(function)])
    prog = program(tmp_path, [function, outer, variable(outer)])
    prog.add_memory_segment(0, 8, lambda address, count, offset, physical: bytes(count))
    assert first_member(prog).type_name() == "void (void)"
    assert prog["v"].value_() == {}


def test_variables_and_elements_have_a_value(tmp_path: Path) -> None:
    nothing = D(dw.DW_TAG_variable, name="v", location=AT_ZERO)
    with pytest.raises(TypeError, match="void"):
        program(tmp_path, [nothing])["v"].value_()
    array = D(dw.DW_TAG_array_type, [D(dw.DW_TAG_subrange_type)])
    with pytest.raises(BadDataError, match="DW_TAG_array_type is missing DW_AT_type"):
        program(tmp_path, [array, variable(array)])["v"]


def test_array_larger_than_memory(tmp_path: Path) -> None:
    element = struct("s")
    dimension = D(dw.DW_TAG_subrange_type, count=A(dw.DW_FORM_udata, 1 << 62))
    array = D(dw.DW_TAG_array_type, [dimension], type=element)
    with pytest.raises(OverflowError, match="type size is too large"):
        program(tmp_path, [element, array, variable(array)])["v"]


@pytest.mark.parametrize("code", [1 << 20, 1 << 23, 1 << 40, 1 << 62])
def test_code_of_abbreviation(code: int, tmp_path: Path) -> None:
    sections = dwarf_asm.assemble([Unit([struct("s")])])
    table = sections[".debug_abbrev"]
    assert table.count(b"\x02\x13") == 1
    wild = table.replace(b"\x02\x13", dwarf_asm.uleb(code) + b"\x13")
    prog = program(tmp_path, [struct("s")], debug_abbrev=wild)
    with limits(), pytest.raises(BadDataError, match="invalid abbreviations"):
        prog.type("struct s")


def test_blocks_of_a_flattened_dump_far_apart(tmp_path: Path) -> None:
    content = flattened(kdump({1: b"a" * PAGE}))
    far = content[:-16] + (1 << 60).to_bytes(8, "big") + (16).to_bytes(8, "big")
    path = tmp_path / "dump"
    path.write_bytes(far + bytes(16) + content[-16:])
    with limits(), pytest.raises(BadDataError, match=f"{path}: blocks .* far apart"):
        Program().set_core_dump(path)


def test_changed_page_of_zlib(tmp_path: Path) -> None:
    # Of the formats that dumps are compressed in, this one has a checksum.
    content = kdump({1: bytes(range(256)) * 16})
    start = len(content) - len(content.rpartition(b"\x78\x9c")[2])
    path = tmp_path / "dump"
    for at in range(start, len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        prog = Program()
        prog.set_core_dump(path)
        try:
            page = prog.read(PAGE, PAGE, True)
        except FaultError as error:
            assert f"{path} has a corrupt page" in str(error)
        else:
            assert page == bytes(range(256)) * 16, at
