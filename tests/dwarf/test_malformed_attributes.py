"""What a lookup says of an attribute that is missing or has a form of another kind."""

from __future__ import annotations

from collections.abc import Callable

import dwarf_asm
import pytest
from dwarf_asm import A, D, Unit

from drgn import BadDataError, FindObjectFlags, Language, Program
from drgn.engine.dwarf import constants as dw

TEXT = A(dw.DW_FORM_string, "text")
BLOCK = A(dw.DW_FORM_block1, b"")
FLAG = A(dw.DW_FORM_flag, 1)
NOWHERE = A(dw.DW_FORM_ref4, 0xFFFFF)


def integer() -> D:
    return D(
        dw.DW_TAG_base_type, name="int", byte_size=4, encoding=A(dw.DW_FORM_data1, 5)
    )


def one_member(**attributes: object) -> list[D]:
    """``struct s`` with one member, and ``v``, an array of pointers to a typedef."""
    type_ = integer()
    if attributes.get("type") is None:
        attributes["type"] = type_
    elif attributes["type"] == "missing":
        del attributes["type"]
    struct = D(
        dw.DW_TAG_structure_type,
        [D(dw.DW_TAG_member, **attributes)],
        name="s",
        byte_size=4,
    )
    typedef = D(dw.DW_TAG_typedef, name="t", type=struct)
    pointer = D(dw.DW_TAG_pointer_type, type=typedef)
    array = D(dw.DW_TAG_array_type, type=pointer)
    return [type_, struct, typedef, pointer, array, variable(array)]


def variable(type_: D, **attributes: object) -> D:
    return D(dw.DW_TAG_variable, name="v", type=type_, **attributes)


def one_enumerator(**attributes: object) -> list[D]:
    return [
        D(
            dw.DW_TAG_enumeration_type,
            [D(dw.DW_TAG_enumerator, **attributes)],
            name="e",
            byte_size=4,
        )
    ]


def one_parameter(**attributes: object) -> list[D]:
    parameter = D(dw.DW_TAG_formal_parameter, **attributes)
    return [D(dw.DW_TAG_subprogram, [parameter], name="f", low_pc=0x10, high_pc=4)]


def type_of_members(prog: Program) -> object:
    return prog.type("struct s").members[0].type


def type_of_parameters(prog: Program) -> object:
    return prog.function("f").type_.parameters[0].type


Lookup = Callable[[Program], object]


def find(name: str) -> Lookup:
    return lambda prog: prog.type(name)


def value(prog: Program) -> object:
    return prog.object("v", FindObjectFlags.VARIABLE)


def defined(tag: int, **attributes: object) -> list[D]:
    return [D(tag, **attributes), D(dw.DW_TAG_variable, name="unused")]


def used_by(tag: int, const_value: object = None, **attributes: object) -> list[D]:
    """A DIE of a tag as the type of ``v``, where ``int`` is its type."""
    type_ = integer()
    inner = D(tag, **({"type": type_} | attributes))
    constant = {} if const_value is None else {"const_value": const_value}
    return [type_, inner, variable(inner, **constant)]


def bounded(**attributes: object) -> list[D]:
    """``int v[]`` with a DW_TAG_subrange_type."""
    type_ = integer()
    array = D(
        dw.DW_TAG_array_type, [D(dw.DW_TAG_subrange_type, **attributes)], type=type_
    )
    return [type_, array, variable(array)]


def valued(**attributes: object) -> list[D]:
    type_ = integer()
    return [type_, variable(type_, **attributes)]


MEMBER = "DW_TAG_member has invalid DW_AT_"
MALFORMED: list[tuple[list[D], Lookup, str]] = [
    # Members are read when a struct is looked up, or what is made of it ...
    (one_member(name=FLAG), find("struct s"), MEMBER + "name"),
    (one_member(name=FLAG), find("t"), MEMBER + "name"),
    (one_member(name=FLAG), value, MEMBER + "name"),
    *(
        (one_member(name="m", **{at: form}), find("struct s"), f"{MEMBER}{at}")
        for at in (
            "data_member_location",
            "data_bit_offset",
            "bit_size",
            "bit_offset",
        )
        for form in (TEXT, FLAG)
    ),
    *(
        (
            one_member(name="m", data_member_location=A(form, value)),
            find("struct s"),
            f"DW_TAG_member has {how} DW_AT_data_member_location",
        )
        for form, value, how in (
            (dw.DW_FORM_block1, b"\x10\4", "unsupported"),  # DW_OP_constu
            (dw.DW_FORM_block1, b"\x23\4\x23\4", "unsupported"),
            (dw.DW_FORM_block1, b"\x23", "invalid"),
            (dw.DW_FORM_block1, b"\x23" + b"\xff" * 10 + b"\1", "invalid"),
            (dw.DW_FORM_exprloc, b"\x34", "invalid"),
            (dw.DW_FORM_sec_offset, 0, "unsupported"),
        )
    ),
    (
        one_member(name="m", data_bit_offset=A(dw.DW_FORM_sdata, -1)),
        find("struct s"),
        "DW_TAG_member has bit offset -1",
    ),
    # ... their types when they are asked for.
    (
        one_member(name="m", type="missing"),
        type_of_members,
        "DW_TAG_member is missing DW_AT_type",
    ),
    (one_member(name="m", type=TEXT), type_of_members, MEMBER + "type"),
    (one_member(name="m", type=NOWHERE), type_of_members, MEMBER + "type"),
    (
        one_enumerator(const_value=1),
        find("enum e"),
        "DW_TAG_enumerator has missing or invalid DW_AT_name",
    ),
    (
        one_enumerator(name="E"),
        find("enum e"),
        "DW_TAG_enumerator is missing DW_AT_const_value",
    ),
    *(
        (
            one_enumerator(name="E", const_value=form),
            find("enum e"),
            "DW_TAG_enumerator has invalid DW_AT_const_value",
        )
        for form in (TEXT, BLOCK, A(dw.DW_FORM_block1, b"abcd"))
    ),
    (
        one_parameter(name=FLAG),
        lambda prog: prog.function("f"),
        "DW_TAG_formal_parameter has invalid DW_AT_name",
    ),
    (
        one_parameter(name="p"),
        type_of_parameters,
        "DW_TAG_formal_parameter is missing DW_AT_type",
    ),
    (
        defined(dw.DW_TAG_typedef, name="t", type=TEXT),
        find("t"),
        "DW_TAG_typedef has invalid DW_AT_type",
    ),
    (
        defined(dw.DW_TAG_structure_type, name="s", byte_size=FLAG),
        find("struct s"),
        "DW_TAG_structure_type has missing or invalid DW_AT_byte_size",
    ),
    (
        used_by(dw.DW_TAG_pointer_type, byte_size=TEXT),
        value,
        "DW_TAG_pointer_type has invalid DW_AT_byte_size",
    ),
    (
        used_by(dw.DW_TAG_pointer_type, byte_size=A(dw.DW_FORM_sdata, -1)),
        value,
        "DW_TAG_pointer_type has invalid DW_AT_byte_size",
    ),
    (
        used_by(dw.DW_TAG_array_type, type=NOWHERE),
        value,
        "DW_TAG_array_type has invalid DW_AT_type",
    ),
    (
        bounded(upper_bound=TEXT),
        value,
        "DW_TAG_subrange_type has invalid DW_AT_upper_bound",
    ),
    (bounded(count=FLAG), value, "DW_TAG_subrange_type has invalid DW_AT_count"),
    (valued(const_value=TEXT), value, "invalid DW_AT_const_value"),
    (valued(const_value=FLAG), value, "invalid DW_AT_const_value"),
    # Only integers, pointers and floats can be numbers.
    *(
        (
            used_by(dw.DW_TAG_structure_type, form, byte_size=4),
            value,
            "unknown DW_AT_const_value form",
        )
        for form in (TEXT, FLAG, 5)
    ),
    (valued(const_value=BLOCK), value, "DW_AT_const_value block is too small"),
    (valued(location=TEXT), value, "DW_TAG_variable has invalid DW_AT_location"),
    (
        valued(location=A(dw.DW_FORM_udata, 0)),
        value,
        "DW_TAG_variable has invalid DW_AT_location",
    ),
]


@pytest.mark.parametrize(("dies", "lookup", "message"), MALFORMED)
def test_malformed_attributes(
    debug_program, dies: list[D], lookup: Lookup, message: str
) -> None:
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble([Unit(dies)])))
    with pytest.raises(BadDataError, match=rf"image: DIE at 0x[0-9a-f]+: {message}\b"):
        lookup(prog)


def test_a_bit_field_of_negative_size_is_refused(debug_program) -> None:
    dies = one_member(name="m", bit_size=A(dw.DW_FORM_sdata, -3))
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble([Unit(dies)])))
    with pytest.raises(ValueError, match="^bit field size is larger than type size$"):
        str(prog.type("struct s"))


def test_an_array_without_elements_is_refused(debug_program) -> None:
    array = D(dw.DW_TAG_array_type)
    prog = debug_program(
        dwarf_asm.elf(dwarf_asm.assemble([Unit([array, variable(array)])]))
    )
    with pytest.raises(BadDataError, match="DW_TAG_array_type is missing DW_AT_type$"):
        _ = prog["v"]


@pytest.mark.parametrize("form", [dw.DW_FORM_data4, dw.DW_FORM_data8])
def test_lists_of_locations_of_members(debug_program, form: int) -> None:
    # So they are until DWARF 4 has DW_FORM_sec_offset.
    dies = one_member(name="m", data_member_location=A(form, 4))
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble([Unit(dies, version=4)])))
    assert prog.type("struct s").member("m").offset == 4
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble([Unit(dies, version=3)])))
    with pytest.raises(BadDataError, match="unsupported DW_AT_data_member_location"):
        prog.type("struct s")


@pytest.mark.parametrize(
    ("tag", "bits", "message"),
    [
        (dw.DW_TAG_pointer_type, 1, "bit field must be integer"),
        (dw.DW_TAG_structure_type, 1, "bit field must be integer"),
        (dw.DW_TAG_typedef, 33, "bit field size is larger than type size"),
    ],
)
def test_types_of_bit_fields(debug_program, tag: int, bits: int, message: str) -> None:
    type_ = integer()
    inner = D(tag, name="inner", type=type_, byte_size=4)
    dies = one_member(name="m", type=inner, bit_size=bits)[1:]
    units = [Unit([type_, inner, *dies])]
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble(units)))
    member = prog.type("struct s").members[0]
    with pytest.raises(ValueError, match=message):
        _ = member.type
    assert member.bit_offset == 0


def test_values_without_a_size(debug_program) -> None:
    array = D(dw.DW_TAG_array_type, [D(dw.DW_TAG_subrange_type, count=2)])
    dies = [D(dw.DW_TAG_typedef, name="nothing"), array]
    array.attributes.append((dw.DW_AT_type, A(dw.DW_FORM_ref4, dies[0])))
    constant = {"const_value": BLOCK}
    number = {"location": A(dw.DW_FORM_exprloc, b"\x31\x9f")}
    place = {"location": A(dw.DW_FORM_exprloc, b"\x03" + bytes(8))}
    for name, type_, where in (
        ("constant", dies[0], constant),
        ("number", dies[0], number),
        ("place", dies[0], place),
        ("elements", array, place),
    ):
        dies.append(D(dw.DW_TAG_variable, name=name, type=type_, **where))
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble([Unit(dies)])))
    with pytest.raises(TypeError, match="cannot create object with void type"):
        _ = prog["constant"]
    assert prog["number"].absent_
    assert prog["place"].address_ == 0
    with pytest.raises(TypeError, match="cannot get size of void type"):
        _ = prog["elements"]


def test_a_variable_without_a_type_is_void(debug_program) -> None:
    variable = D(
        dw.DW_TAG_variable, name="v", location=b"\x03" + (0x1234).to_bytes(8, "little")
    )
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble([Unit([variable])])))
    assert repr(prog["v"]) == "Object(prog, 'void', address=0x1234)"


def test_code_starts_at_an_address(debug_program) -> None:
    function = D(dw.DW_TAG_subprogram, name="f", low_pc=A(dw.DW_FORM_string, "text"))
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble([Unit([function])])))
    assert prog.function("f").absent_


def test_only_the_outermost_length_can_be_open(debug_program) -> None:
    type_ = integer()
    bounds = [
        D(dw.DW_TAG_subrange_type),
        D(dw.DW_TAG_subrange_type),
        D(dw.DW_TAG_subrange_type, count=A(dw.DW_FORM_exprloc, b"\x30")),
    ]
    array = D(dw.DW_TAG_array_type, bounds, type=type_)
    prog = debug_program(
        dwarf_asm.elf(dwarf_asm.assemble([Unit([type_, array, variable(array)])]))
    )
    # Of an array of variable length the length is not known.
    assert prog["v"].type_.type_name() == "int [][0][]"


def test_parameters_after_the_variable_ones(debug_program) -> None:
    type_ = integer()
    rest = [D(dw.DW_TAG_unspecified_parameters) for _ in range(3)]
    after = D(dw.DW_TAG_formal_parameter, name="p", type=type_)
    functions = [
        D(dw.DW_TAG_subprogram, [rest[0], after], name="after", low_pc=0x10),
        D(dw.DW_TAG_subprogram, rest[1:], name="twice", low_pc=0x20),
    ]
    units = [Unit([type_, *functions])]
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble(units)))
    for name, message in (
        (
            "after",
            "DW_TAG_formal_parameter child after DW_TAG_unspecified_parameters child",
        ),
        ("twice", "multiple DW_TAG_unspecified_parameters children"),
    ):
        with pytest.raises(BadDataError, match=f"DW_TAG_subprogram has {message}$"):
            prog.function(name)


def test_unknown_byte_order(debug_program) -> None:
    type_ = integer()
    type_.attributes.append((dw.DW_AT_endianity, A(dw.DW_FORM_data1, 3)))
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble([Unit([type_])])))
    with pytest.raises(BadDataError, match="unknown DW_AT_endianity$"):
        prog.type("int")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        # The form and the abbreviation code of the first DIE below the unit's.
        (
            b"\x24\0\x03\x08",
            b"\x24\0\x03\x7f",
            "unknown attribute form 0x7f for DW_AT_name",
        ),
        (b"\x02\x24\0", b"\x05\x24\0", "unknown abbreviation code 2"),
    ],
)
def test_malformed_abbreviations(
    debug_program, old: bytes, new: bytes, message: str
) -> None:
    sections = dwarf_asm.assemble([Unit([integer()])])
    table = sections[".debug_abbrev"]
    assert table.count(old) == 1
    sections[".debug_abbrev"] = table.replace(old, new)
    prog = debug_program(dwarf_asm.elf(sections))
    assert prog.language is Language.C
    with pytest.raises(BadDataError, match=f"^image: .*{message}$"):
        prog.type("int")


@pytest.mark.parametrize(
    ("attribute", "form"),
    [
        ("name", dw.DW_FORM_data4),
        ("declaration", dw.DW_FORM_data1),
        ("specification", dw.DW_FORM_sec_offset),
        ("sibling", dw.DW_FORM_ref_addr),
    ],
)
def test_forms_that_what_is_indexed_cannot_have(
    debug_program, attribute: str, form: int
) -> None:
    """The whole file is refused, whatever is looked up."""
    type_ = integer()
    at = getattr(dw, f"DW_AT_{attribute}")
    dies = [type_, D(dw.DW_TAG_variable, attributes=[(at, A(form, 1))], type=type_)]
    sections = dwarf_asm.assemble([Unit(dies)])
    shape = sections[".debug_abbrev"].index(bytes([dw.DW_TAG_variable, 0, at, form]))
    prog = debug_program(dwarf_asm.elf(sections))
    message = (
        rf"\.debug_abbrev\+{shape + 3:#x}: "
        rf"unknown attribute form {form:#x} for DW_AT_{attribute}"
    )
    for _ in range(2):
        with pytest.raises(BadDataError, match=message):
            prog.type("int")


def test_abbreviations_at_an_offset_that_is_no_signed_number(debug_program) -> None:
    sections = dwarf_asm.assemble([Unit([integer()], is_dwarf64=True)])
    info = bytearray(sections[".debug_info"])
    info[16:24] = b"\xff" * 8
    prog = debug_program(dwarf_asm.elf({**sections, ".debug_info": bytes(info)}))
    with pytest.raises(BadDataError, match="abbreviation"):
        prog.type("int")
