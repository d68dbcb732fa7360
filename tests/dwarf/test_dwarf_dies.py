"""Units and DIEs: headers, forms, references, trees, ranges, and bad data."""

from __future__ import annotations

import struct

import dwarf_asm
import pytest
from dwarf_asm import A, D, Unit

from drgn.engine.dwarf import constants as dw
from drgn.engine.dwarf.die import Die
from drgn.engine.dwarf.file import DwarfFile
from drgn.engine.elf.file import ElfFile
from drgn.engine.errors import BadDataError

STRUCT = dw.DW_TAG_structure_type
VARIABLE = dw.DW_TAG_variable
MEMBER = dw.DW_TAG_member
AT = dw.DW_AT_const_value


def dwarf(units: list[Unit], order: str = "<", **sections: bytes) -> DwarfFile:
    contents = dwarf_asm.assemble(units, order=order)
    contents |= {f".debug_{name}": data for name, data in sections.items()}
    return DwarfFile(ElfFile.from_bytes(dwarf_asm.elf(contents, order=order), "image"))


def first(file: DwarfFile) -> Die:
    (unit, *_) = file.units()
    return next(unit.root.children())


SHAPES = pytest.mark.parametrize(
    ("version", "address_size", "is_dwarf64"),
    [(2, 4, False), (3, 8, False), (4, 8, True), (5, 4, False), (5, 8, True)],
)
ORDERS = pytest.mark.parametrize("order", ["<", ">"])


@SHAPES
@ORDERS
def test_unit_headers(
    version: int, address_size: int, is_dwarf64: bool, order: str
) -> None:
    units = [
        Unit([D(VARIABLE, name=f"v{i}")], version, address_size, is_dwarf64)
        for i in range(3)
    ]
    file = dwarf(units, order)
    found = list(file.units())
    assert len(found) == len(units)
    for i, unit in enumerate(found):
        assert unit.offset == units[i].offset
        assert unit.version == version
        assert unit.address_size == address_size
        assert unit.is_dwarf64 is is_dwarf64
        assert unit.offset_size == (8 if is_dwarf64 else 4)
        assert unit.type == dw.DW_UT_compile
        assert unit.name == "test.c"
        assert unit.language == dw.DW_LANG_C11
        assert not unit.is_cplusplus
        (variable,) = unit.root.children()
        assert variable.name == f"v{i}"
        assert file.unit_at(variable.offset) is unit
        assert file.die_at(variable.offset) == variable


FORMS = [
    (dw.DW_FORM_data1, 0xFE, 0xFE),
    (dw.DW_FORM_data2, 0xFEDC, 0xFEDC),
    (dw.DW_FORM_data4, 0xFEDCBA98, 0xFEDCBA98),
    (dw.DW_FORM_data8, 0xFEDCBA9876543210, 0xFEDCBA9876543210),
    (dw.DW_FORM_sdata, -12345678901, -12345678901),
    (dw.DW_FORM_sdata, -1, -1),
    (dw.DW_FORM_sdata, 63, 63),
    (dw.DW_FORM_udata, 1 << 63, 1 << 63),
    (dw.DW_FORM_implicit_const, -3, -3),
    (dw.DW_FORM_flag, 2, 2),
    (dw.DW_FORM_flag_present, None, 1),
    (dw.DW_FORM_addr, 0x1234, 0x1234),
    (dw.DW_FORM_sec_offset, 0x4321, 0x4321),
    (dw.DW_FORM_string, "text", "text"),
    (dw.DW_FORM_string, "x" * 5000, "x" * 5000),
    (dw.DW_FORM_strp, "pooled", "pooled"),
    (dw.DW_FORM_line_strp, "line", "line"),
    (dw.DW_FORM_exprloc, b"\x03abc", b"\x03abc"),
    (dw.DW_FORM_block, b"", b""),
    (dw.DW_FORM_block1, b"x" * 255, b"x" * 255),
    (dw.DW_FORM_block2, b"x" * 256, b"x" * 256),
    (dw.DW_FORM_block4, b"four", b"four"),
    (dw.DW_FORM_indirect, A(dw.DW_FORM_data2, 0x102), 0x102),
    (dw.DW_FORM_indirect, A(dw.DW_FORM_string, "inner"), "inner"),
    (dw.DW_FORM_indirect, A(dw.DW_FORM_udata, 300), 300),
    (dw.DW_FORM_indirect, A(dw.DW_FORM_flag_present, None), 1),
    (dw.DW_FORM_strx, 1, "two"),
    (dw.DW_FORM_strx1, 0, "one"),
    (dw.DW_FORM_strx2, 1, "two"),
    (dw.DW_FORM_strx3, 1, "two"),
    (dw.DW_FORM_strx4, 1, "two"),
    (dw.DW_FORM_GNU_str_index, 1, "two"),
    (dw.DW_FORM_addrx, 1, 0x2222),
    (dw.DW_FORM_addrx1, 1, 0x2222),
    (dw.DW_FORM_addrx2, 0, 0x1111),
    (dw.DW_FORM_addrx3, 1, 0x2222),
    (dw.DW_FORM_addrx4, 1, 0x2222),
    (dw.DW_FORM_GNU_addr_index, 1, 0x2222),
    (dw.DW_FORM_loclistx, 1, 8 + 0x50),
    (dw.DW_FORM_rnglistx, 0, 8 + 0x40),
]


@SHAPES
@ORDERS
@pytest.mark.parametrize(("form", "stored", "expected"), FORMS)
def test_forms(
    form: int,
    stored: object,
    expected: object,
    version: int,
    address_size: int,
    is_dwarf64: bool,
    order: str,
) -> None:
    variable = D(
        VARIABLE,
        attributes=[
            (dw.DW_AT_decl_line, A(dw.DW_FORM_data1, 77)),
            (AT, A(form, stored)),
            (dw.DW_AT_decl_column, A(dw.DW_FORM_udata, 1000)),
            (dw.DW_AT_name, A(dw.DW_FORM_string, "after")),
        ],
    )
    root = D(
        dw.DW_TAG_compile_unit,
        str_offsets_base=A(dw.DW_FORM_sec_offset, 8),
        addr_base=A(dw.DW_FORM_sec_offset, 16),
        rnglists_base=A(dw.DW_FORM_sec_offset, 8),
        loclists_base=A(dw.DW_FORM_sec_offset, 8),
    )
    units = [Unit([variable], version, address_size, is_dwarf64, root=root)]
    offset = order + ("Q" if is_dwarf64 else "I")
    address = order + ("Q" if address_size == 8 else "I")
    contents = dwarf_asm.assemble(units, order=order)
    strings = contents[".debug_str"]
    contents[".debug_str_offsets"] = (
        bytes(8)
        + struct.pack(offset, len(strings))
        + struct.pack(offset, len(strings) + 4)
    )
    contents[".debug_str"] = strings + b"one\0two\0"
    contents[".debug_addr"] = (
        bytes(16) + struct.pack(address, 0x1111) + struct.pack(address, 0x2222)
    )
    for name in (".debug_loclists", ".debug_rnglists"):
        contents[name] = (
            bytes(8) + struct.pack(offset, 0x40) + struct.pack(offset, 0x50)
        )
    file = DwarfFile(ElfFile.from_bytes(dwarf_asm.elf(contents, order=order)))
    die = first(file)
    assert die.attr(AT) == expected
    assert die.attr(dw.DW_AT_decl_line) == 77
    assert die.attr(dw.DW_AT_decl_column) == 1000
    assert die.name == "after"
    assert die.attr(dw.DW_AT_type) is None
    inner = stored.form if isinstance(stored, A) else form
    assert die.form(AT) == inner


@ORDERS
def test_sixteen_bytes(order: str) -> None:
    value = 0x0102030405060708090A0B0C0D0E0F10
    file = dwarf([Unit([D(VARIABLE, const_value=A(dw.DW_FORM_data16, value))])], order)
    data = first(file).attr(AT)
    assert int.from_bytes(data, "little" if order == "<" else "big") == value


@SHAPES
@ORDERS
@pytest.mark.parametrize(
    "form",
    [
        dw.DW_FORM_ref1,
        dw.DW_FORM_ref2,
        dw.DW_FORM_ref4,
        dw.DW_FORM_ref8,
        dw.DW_FORM_ref_udata,
        dw.DW_FORM_ref_addr,
    ],
)
def test_references(
    form: int, version: int, address_size: int, is_dwarf64: bool, order: str
) -> None:
    target = D(STRUCT, name="target")
    user = D(VARIABLE, type=A(form, target))
    shape = (version, address_size, is_dwarf64)
    if form == dw.DW_FORM_ref_addr:
        units = [Unit([user], *shape), Unit([target], *shape)]
    else:
        units = [Unit([D(VARIABLE)], *shape), Unit([user, target], *shape)]
    file = dwarf(units, order)
    die = file.die_at(user.offset)
    assert die.attr(dw.DW_AT_type) == target.offset
    found = die.ref(dw.DW_AT_type)
    assert found is not None
    assert found.name == "target"
    assert die.ref(dw.DW_AT_specification) is None


def test_type_units_in_debug_info() -> None:
    target = D(STRUCT, name="s")
    users = [
        D(VARIABLE, type=A(dw.DW_FORM_ref_sig8, 0xABCDEF)),
        D(VARIABLE, type=A(dw.DW_FORM_ref_sig8, 0x1)),
    ]
    units = [
        Unit(users),
        Unit(
            [target],
            type=dw.DW_UT_type,
            root=D(dw.DW_TAG_type_unit),
            header=struct.pack("<QI", 0xABCDEF, 25),
        ),
    ]
    file = dwarf(units)
    assert target.offset == units[1].offset + 25
    found = file.die_at(users[0].offset).ref(dw.DW_AT_type)
    assert found is not None
    assert found.name == "s"
    with pytest.raises(BadDataError, match="type unit 0x0*1 was not found"):
        file.die_at(users[1].offset).ref(dw.DW_AT_type)


def test_type_units_in_debug_types() -> None:
    target = D(STRUCT, name="s", byte_size=4)
    user = D(VARIABLE, type=A(dw.DW_FORM_ref_sig8, 7))
    contents = dwarf_asm.assemble([Unit([user], 4)])
    # The abbreviations of both are put one after the other.
    types = dwarf_asm.assemble(
        [
            Unit(
                [target],
                4,
                root=D(dw.DW_TAG_type_unit),
                header=struct.pack("<QI", 7, 24),
            )
        ],
        section=".debug_types",
    )
    offset = struct.pack("<I", len(contents[".debug_abbrev"]))
    section = bytearray(types[".debug_types"])
    section[6:10] = offset
    contents[".debug_types"] = bytes(section)
    contents[".debug_abbrev"] += types[".debug_abbrev"]
    file = DwarfFile(ElfFile.from_bytes(dwarf_asm.elf(contents), "image"))
    info, type_unit = file.units()
    assert type_unit.type == dw.DW_UT_type
    assert type_unit.offset == info.end
    found = file.die_at(user.offset).ref(dw.DW_AT_type)
    assert found is not None
    assert found.name == "s"
    assert found == next(type_unit.root.children())
    (by_name,) = file.find("s", frozenset((STRUCT,)))
    assert by_name == found


def tree(sibling: bool) -> tuple[list[D], D]:
    """Children with children, with and without DW_AT_sibling."""
    last = D(VARIABLE, name="last")
    inner = D(STRUCT, [D(MEMBER, name="x"), D(MEMBER, name="y")], name="inner")
    outer = D(STRUCT, [inner, D(MEMBER, name="z")], name="outer")
    if sibling:
        outer.attributes.append((dw.DW_AT_sibling, A(dw.DW_FORM_ref4, last)))
    return [outer, last], inner


@pytest.mark.parametrize("sibling", [False, True])
@pytest.mark.parametrize("end_of_children", [False, True])
def test_trees(sibling: bool, end_of_children: bool) -> None:
    children, inner = tree(sibling)
    unit = Unit(children)
    file = dwarf([unit])
    (root,) = (u.root for u in file.units())
    outer, last = root.children()
    assert (outer.name, last.name) == ("outer", "last")
    assert [die.name for die in outer.children()] == ["inner", "z"]
    found = next(outer.children())
    assert [die.name for die in found.children()] == ["x", "y"]
    assert not last.has_children
    assert list(last.children()) == []
    y = list(found.children())[1]
    assert [die.name for die in y.ancestors()] == ["test.c", "outer", "inner"]
    assert y.parent() == found
    assert file.die_at(inner.offset).parent() == outer
    assert root.parent() is None


def test_origins() -> None:
    declared = D(VARIABLE, name="x", declaration=None, decl_line=1)
    defined = D(VARIABLE, specification=declared, decl_line=2)
    file = dwarf([Unit([declared, defined])])
    die = file.die_at(defined.offset)
    assert die.name is None
    assert die.origin_attr(dw.DW_AT_name) == "x"
    assert die.origin_attr(dw.DW_AT_decl_line) == 2
    assert [d.offset for d in die.origins()] == [defined.offset, declared.offset]


def test_origins_that_refer_to_each_other() -> None:
    one, other = D(VARIABLE), D(VARIABLE)
    one.attributes = [(dw.DW_AT_abstract_origin, A(dw.DW_FORM_ref4, other))]
    other.attributes = [(dw.DW_AT_abstract_origin, A(dw.DW_FORM_ref4, one))]
    file = dwarf([Unit([one, other])])
    with pytest.raises(BadDataError, match="refer to each other"):
        file.die_at(one.offset).origin_attr(dw.DW_AT_name)


def rnglist() -> bytes:
    u = dwarf_asm.uleb
    return b"".join(
        [
            bytes([dw.DW_RLE_offset_pair]) + u(0x10) + u(0x20),
            bytes([dw.DW_RLE_base_address]) + struct.pack("<Q", 0x8000),
            bytes([dw.DW_RLE_offset_pair]) + u(1) + u(2),
            bytes([dw.DW_RLE_offset_pair]) + u(5) + u(5),
            bytes([dw.DW_RLE_start_end]) + struct.pack("<QQ", 0x100, 0x200),
            bytes([dw.DW_RLE_start_length]) + struct.pack("<Q", 0x300) + u(3),
            bytes([dw.DW_RLE_startx_endx]) + u(0) + u(1),
            bytes([dw.DW_RLE_startx_length]) + u(1) + u(4),
            bytes([dw.DW_RLE_base_addressx]) + u(1),
            bytes([dw.DW_RLE_offset_pair]) + u(0) + u(1),
            bytes([dw.DW_RLE_end_of_list]),
        ]
    )


RANGES_5 = [
    (0x1010, 0x1020),
    (0x8001, 0x8002),
    (0x100, 0x200),
    (0x300, 0x303),
    (0xFFFFFFFF81000000, 0xFFFFFFFF82000000),
    (0xFFFFFFFF82000000, 0xFFFFFFFF82000004),
    (0xFFFFFFFF82000000, 0xFFFFFFFF82000001),
]


def test_rnglists_and_the_functions_at_their_addresses() -> None:
    function = D(dw.DW_TAG_subprogram, name="f", ranges=A(dw.DW_FORM_sec_offset, 12))
    root = D(
        dw.DW_TAG_compile_unit,
        low_pc=0x1000,
        addr_base=A(dw.DW_FORM_sec_offset, 8),
        ranges=A(dw.DW_FORM_rnglistx, 0),
        rnglists_base=A(dw.DW_FORM_sec_offset, 12),
    )
    addresses = struct.pack("<QQ", 0xFFFFFFFF81000000, 0xFFFFFFFF82000000)
    lists = bytes(12) + rnglist()
    # The list that the root's index leads to is the same.
    lists = bytes(12) + struct.pack("<I", 4) + rnglist()
    function.attributes[-1] = (dw.DW_AT_ranges, A(dw.DW_FORM_sec_offset, 16))
    file = dwarf(
        [Unit([function], root=root)], addr=bytes(8) + addresses, rnglists=lists
    )
    (unit,) = file.units()
    die = first(file)
    assert die.ranges() == RANGES_5
    assert unit.root.ranges() == RANGES_5
    for low, high in RANGES_5[:5]:
        assert file.function_at(low) == die
        assert file.function_at(high - 1) == die
        assert file.unit_for_pc(low) is unit
    for pc in (0, 0x100F, 0x1020, 0x200, 0x7FFFFFFF81000000, 0xFFFFFFFF80FFFFFF):
        assert file.function_at(pc) is None
        assert file.unit_for_pc(pc) is None


@pytest.mark.parametrize("address_size", [4, 8])
@ORDERS
def test_ranges_before_dwarf_5(address_size: int, order: str) -> None:
    code = order + ("II" if address_size == 4 else "QQ")
    top = (1 << 8 * address_size) - 1
    lists = b"".join(
        struct.pack(code, *pair)
        for pair in [(0x10, 0x20), (top, 0x5000), (1, 2), (3, 3), (4, 8), (0, 0)]
    )
    function = D(dw.DW_TAG_subprogram, name="f", ranges=0)
    root = D(dw.DW_TAG_compile_unit, low_pc=0x1000)
    file = dwarf([Unit([function], 4, address_size, root=root)], order, ranges=lists)
    die = first(file)
    assert die.ranges() == [(0x1010, 0x1020), (0x5001, 0x5002), (0x5004, 0x5008)]
    assert file.function_at(0x5005) == die
    assert file.function_at(0x5003) is None


def test_low_and_high_pc() -> None:
    relative = D(dw.DW_TAG_subprogram, low_pc=0xFFFFFFFF81000000, high_pc=16)
    absolute = D(dw.DW_TAG_subprogram, low_pc=0x100, high_pc=A(dw.DW_FORM_addr, 0x180))
    empty = D(dw.DW_TAG_subprogram, low_pc=0x100, high_pc=0)
    file = dwarf([Unit([relative, absolute, empty])])
    found = [die.ranges() for u in file.units() for die in u.root.children()]
    assert found == [
        [(0xFFFFFFFF81000000, 0xFFFFFFFF81000010)],
        [(0x100, 0x180)],
        [],
    ]
    assert file.function_at(0xFFFFFFFF8100000F) == file.die_at(relative.offset)
    assert file.function_at(0x17F) == file.die_at(absolute.offset)


def damaged(info: bytes, at: int, value: bytes) -> DwarfFile:
    contents = dwarf_asm.assemble([Unit([D(VARIABLE, name="v")])])
    data = bytearray(contents[".debug_info"])
    data[at : at + len(value)] = value
    contents[".debug_info"] = bytes(data)
    return DwarfFile(ElfFile.from_bytes(dwarf_asm.elf(contents), "image"))


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (0, b"\xff", "unit is truncated"),
        (0, b"\xf0\xff\xff\xff", "invalid length"),
        (4, b"\6", "unknown DWARF version 6"),
        (4, b"\1", "unknown DWARF version 1"),
        (7, b"\3", "unsupported DWARF unit address size 3"),
        (8, b"\xff\xff", "invalid abbreviations"),
        (12, b"\x44", "invalid DIE at 0xc"),
    ],
)
def test_damaged_units_say_where(at: int, value: bytes, message: str) -> None:
    file = damaged(b"", at, value)
    with pytest.raises(BadDataError, match=f"^image: .*{message}"):
        list(file.find("v", frozenset((VARIABLE,))))


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        (A(dw.DW_FORM_strp, 1 << 20), r"\.debug_str\+0x100000"),
        (A(dw.DW_FORM_strx, 5), r"\.debug_str_offsets\+0x14 is out of bounds"),
        (A(dw.DW_FORM_GNU_strp_alt, 5), "supplementary debug file was not found"),
    ],
)
def test_bad_names(attribute: A, message: str) -> None:
    variable = D(VARIABLE, name=attribute)
    other = D(VARIABLE, name="other")
    file = dwarf([Unit([variable, other])])
    # The others are found all the same.
    assert [d.name for d in file.find("other", frozenset((VARIABLE,)))] == ["other"]
    with pytest.raises(BadDataError, match="^image: .*" + message):
        _ = file.die_at(variable.offset).name


def test_names_that_are_no_strings() -> None:
    file = dwarf([Unit([D(VARIABLE, name=A(dw.DW_FORM_data1, 5))])])
    with pytest.raises(
        BadDataError, match=r"^image: \.debug_abbrev\+.* form 0xb for DW_AT_name"
    ):
        list(file.find("v", frozenset((VARIABLE,))))


@pytest.mark.parametrize("target", [0, 5, 1 << 20])
def test_bad_references(target: int) -> None:
    user = D(VARIABLE, type=target)
    file = dwarf([Unit([user])])
    with pytest.raises(BadDataError, match="^image: "):
        file.die_at(user.offset).ref(dw.DW_AT_type)


@pytest.mark.parametrize("target", [0, 1, 1 << 20])
def test_bad_siblings(target: int) -> None:
    outer = D(STRUCT, [D(MEMBER, name="m")], name="s", sibling=target)
    file = dwarf([Unit([outer, D(VARIABLE, name="v")])])
    with pytest.raises(BadDataError, match="^image: "):
        list(file.find("v", frozenset((VARIABLE,))))
