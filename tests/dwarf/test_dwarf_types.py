"""Types from debug information that compilers do not write, or only old ones did."""

from __future__ import annotations

import dwarf_asm
import pytest
from dwarf_asm import A, D, Unit

from drgn import BadDataError, Program, TypeKind, alignof
from drgn.engine.dwarf import constants as dw


def one(debug_program, dies: list[D], version: int = 5, order: str = "<") -> Program:
    sections = dwarf_asm.assemble([Unit(dies, version)], order=order)
    return debug_program(dwarf_asm.elf(sections, order=order))


def integer(size: int = 4, encoding: int = dw.DW_ATE_signed) -> D:
    return D(dw.DW_TAG_base_type, name="int", byte_size=size, encoding=encoding)


def test_length_of_an_array_of_32_bits(debug_program) -> None:
    element = integer()
    bound = D(dw.DW_TAG_subrange_type, upper_bound=A(dw.DW_FORM_data4, (1 << 32) - 1))
    array = D(dw.DW_TAG_array_type, [bound], type=element)
    typedef = D(dw.DW_TAG_typedef, name="t", type=array)
    unit = Unit([element, array, typedef], address_size=4)
    image = dwarf_asm.elf(dwarf_asm.assemble([unit]), bits=32, machine=3)
    assert debug_program(image).type("t").type.length == 0


@pytest.mark.parametrize(
    ("bound", "length"),
    [
        ({"upper_bound": A(dw.DW_FORM_data1, 9)}, 10),
        ({"upper_bound": A(dw.DW_FORM_data1, 255)}, 256),
        ({"upper_bound": A(dw.DW_FORM_sdata, -1)}, 0),
        ({"upper_bound": A(dw.DW_FORM_data8, (1 << 64) - 1)}, 0),
        ({"upper_bound": A(dw.DW_FORM_udata, (1 << 64) - 1)}, 0),
        ({"upper_bound": A(dw.DW_FORM_data4, (1 << 32) - 1)}, 1 << 32),
        ({"upper_bound": A(dw.DW_FORM_implicit_const, 3)}, 4),
        (
            {
                "upper_bound": A(dw.DW_FORM_data1, 9),
                "lower_bound": A(dw.DW_FORM_data1, 1),
            },
            9,
        ),
        ({"count": A(dw.DW_FORM_udata, 7)}, 7),
        ({"upper_bound": A(dw.DW_FORM_exprloc, b"\x30")}, None),
        ({"count": A(dw.DW_FORM_exprloc, b"\x30")}, None),
        ({}, None),
    ],
)
def test_lengths_of_arrays(debug_program, bound: dict[str, A], length) -> None:
    element = integer()
    array = D(dw.DW_TAG_array_type, [D(dw.DW_TAG_subrange_type, **bound)], type=element)
    variable = D(dw.DW_TAG_variable, name="v", type=array)
    prog = one(debug_program, [element, array, variable])
    assert prog["v"].type_.length == length


@pytest.mark.parametrize(
    ("bound", "length"),
    [
        ({"upper_bound": A(dw.DW_FORM_data1, 9)}, 9),
        ({"upper_bound": A(dw.DW_FORM_data1, 0)}, 0),
        ({"upper_bound": A(dw.DW_FORM_sdata, -1)}, 0),
        (
            {
                "upper_bound": A(dw.DW_FORM_data1, 9),
                "lower_bound": A(dw.DW_FORM_data1, 0),
            },
            10,
        ),
        (
            {
                "upper_bound": A(dw.DW_FORM_data1, 9),
                "lower_bound": A(dw.DW_FORM_exprloc, b"\x30"),
            },
            None,
        ),
    ],
)
def test_lengths_of_arrays_that_start_at_one(debug_program, bound, length) -> None:
    element = integer()
    array = D(dw.DW_TAG_array_type, [D(dw.DW_TAG_subrange_type, **bound)], type=element)
    variable = D(dw.DW_TAG_variable, name="v", type=array)
    unit = Unit([element, array, variable], language=dw.DW_LANG_Fortran08)
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble([unit])))
    assert prog["v"].type_.length == length


@pytest.mark.parametrize(
    ("layout", "error"),
    [
        ({"bit_stride": A(dw.DW_FORM_data1, 1)}, "DW_AT_bit_stride is not the size"),
        ({"byte_stride": A(dw.DW_FORM_data1, 8)}, "DW_AT_byte_stride is not the size"),
        ({"data_location": A(dw.DW_FORM_exprloc, b"\x97\x06")}, "DW_AT_data_location"),
        ({"byte_stride": A(dw.DW_FORM_data1, 4)}, None),
        ({"ordering": A(dw.DW_FORM_data1, 0)}, None),
    ],
)
def test_elements_that_lie_elsewhere(debug_program, layout, error: str | None) -> None:
    element = integer()
    bound = D(dw.DW_TAG_subrange_type, count=A(dw.DW_FORM_data1, 3))
    array = D(dw.DW_TAG_array_type, [bound], type=element, **layout)
    prog = one(
        debug_program, [element, array, D(dw.DW_TAG_typedef, name="t", type=array)]
    )
    if error is None:
        assert prog.type("t").type.length == 3
        return
    with pytest.raises(BadDataError, match=error):
        prog.type("t")


def test_first_index_varies_fastest(debug_program) -> None:
    element = integer()
    bounds = [
        D(dw.DW_TAG_subrange_type, count=A(dw.DW_FORM_data1, n)) for n in (2, 3, 4)
    ]
    ordering = A(dw.DW_FORM_data1, dw.DW_ORD_col_major)
    array = D(dw.DW_TAG_array_type, bounds, type=element, ordering=ordering)
    prog = one(
        debug_program, [element, array, D(dw.DW_TAG_typedef, name="t", type=array)]
    )
    assert prog.type("t").type.type_name() == "int [4][3][2]"


def test_functions_in_assembler_return_void(debug_program) -> None:
    unspecified = D(dw.DW_TAG_unspecified_type)
    function = D(
        dw.DW_TAG_subprogram, name="f", low_pc=0x10, high_pc=4, type=unspecified
    )
    prog = one(debug_program, [unspecified, function])
    assert prog.function("f").type_.type_name() == "void (void)"


@pytest.mark.parametrize("order", ["<", ">"])
def test_bit_fields_in_storage_units(debug_program, order: str) -> None:
    # DWARF 2: DW_AT_bit_offset counts from the most significant bit of 4 bytes.
    unit = integer()
    members = [
        D(
            dw.DW_TAG_member,
            name=name,
            type=unit,
            bit_size=A(dw.DW_FORM_data1, size),
            bit_offset=A(dw.DW_FORM_data1, offset),
            data_member_location=A(dw.DW_FORM_block1, b"\x23" + bytes([location])),
            **extra,
        )
        for name, size, offset, location, extra in [
            ("a", 3, 29 if order == "<" else 0, 0, {}),
            ("b", 5, 24 if order == "<" else 3, 0, {}),
            ("c", 8, 0, 4, {"byte_size": A(dw.DW_FORM_data1, 1)}),
        ]
    ]
    struct = D(dw.DW_TAG_structure_type, members, name="s", byte_size=8)
    prog = one(debug_program, [unit, struct], 2, order)
    found = prog.type("struct s").members
    assert [(m.name, m.bit_offset, m.bit_field_size) for m in found] == [
        ("a", 0, 3),
        ("b", 3, 5),
        ("c", 32, 8),
    ]


@pytest.mark.parametrize("flag", ["external", "declaration"])
@pytest.mark.parametrize("location", ["data_member_location", "data_bit_offset", None])
def test_members_with_flags(debug_program, flag: str, location: str | None) -> None:
    # Static members have the flags and no location.
    type = integer()
    attributes = {flag: None}
    if location is not None:
        attributes[location] = A(dw.DW_FORM_data1, 4)
    member = D(dw.DW_TAG_member, name="m", type=type, **attributes)
    struct = D(dw.DW_TAG_structure_type, [member], name="s", byte_size=8)
    prog = one(debug_program, [type, struct])
    assert prog.type("struct s").has_member("m") == (location is not None)


def straddling(bit_offset: A, **attributes: A) -> list[D]:
    """A structure with a bit field that goes past its storage unit."""
    unit = integer()
    field = D(
        dw.DW_TAG_member,
        name="f",
        type=unit,
        bit_size=A(dw.DW_FORM_data1, 25),
        bit_offset=bit_offset,
        data_member_location=A(dw.DW_FORM_data1, 4),
    )
    return [unit, D(dw.DW_TAG_structure_type, [field], name="s", byte_size=12)]


@pytest.mark.parametrize(
    "offset", [A(dw.DW_FORM_data8, 2**64 - 13), A(dw.DW_FORM_sdata, -13)]
)
def test_bit_field_that_goes_past_its_storage_unit(debug_program, offset: A) -> None:
    # Clang for i386: bits 20 to 44 after byte 4, where an int of 4 bytes is.
    prog = one(debug_program, straddling(offset), 4)
    assert prog.type("struct s").member("f").bit_offset == 4 * 8 + 20


def test_bit_offset_of_a_member_that_is_no_bit_field(debug_program) -> None:
    die = straddling(A(dw.DW_FORM_data1, 0))
    (member,) = [child for d in die for child in d.children]
    member.attributes = [a for a in member.attributes if a[0] != dw.DW_AT_bit_size]
    prog = one(debug_program, die, 4)
    assert prog.type("struct s").member("f").bit_offset == 4 * 8


def test_bit_field_before_its_structure(debug_program) -> None:
    prog = one(debug_program, straddling(A(dw.DW_FORM_data1, 200)), 4)
    with pytest.raises(BadDataError, match="bit offset -161"):
        prog.type("struct s").members[0]


def test_arrays_of_length_zero_as_old_gcc_wrote_them(debug_program) -> None:
    element = integer()
    array = D(dw.DW_TAG_array_type, [D(dw.DW_TAG_subrange_type)], type=element)
    members = [
        D(dw.DW_TAG_member, name=name, type=array, data_member_location=0)
        for name in ("inner", "last")
    ]
    struct = D(dw.DW_TAG_structure_type, members, name="s", byte_size=0)
    prog = one(debug_program, [element, array, struct])
    assert [m.type.length for m in prog.type("struct s").members] == [0, None]


def test_enumerations_without_a_type(debug_program) -> None:
    def enum(name: str, *values: A) -> D:
        children = [
            D(dw.DW_TAG_enumerator, name=f"{name}{i}", const_value=value)
            for i, value in enumerate(values)
        ]
        return D(dw.DW_TAG_enumeration_type, children, name=name, byte_size=4)

    prog = one(
        debug_program,
        [
            enum("s", A(dw.DW_FORM_sdata, -1), A(dw.DW_FORM_data1, 200)),
            enum("u", A(dw.DW_FORM_data4, 0xFFFFFFFF), A(dw.DW_FORM_data1, 200)),
        ],
    )
    assert [e.value for e in prog.type("enum s").enumerators] == [-1, 200]
    assert [e.value for e in prog.type("enum u").enumerators] == [0xFFFFFFFF, 200]
    assert prog.type("enum s").type.name == "<unknown>"
    assert prog.type("enum s").type.is_signed
    assert not prog.type("enum u").type.is_signed


def test_values_of_enumerators_are_as_they_are_stored(debug_program) -> None:
    # Forms of fixed size have no sign; an object has the value that fits.
    values = {
        "A": A(dw.DW_FORM_data1, 0xFF),
        "B": A(dw.DW_FORM_data4, 0xFFFFFFFF),
        "C": A(dw.DW_FORM_data8, (1 << 64) - 2),
        "D": A(dw.DW_FORM_sdata, -3),
        "E": A(dw.DW_FORM_data16, (1 << 128) - 4),
    }
    children = [
        D(dw.DW_TAG_enumerator, name=name, const_value=value)
        for name, value in values.items()
    ]
    type_ = integer()
    enum = D(dw.DW_TAG_enumeration_type, children, name="e", byte_size=4, type=type_)
    prog = one(debug_program, [type_, enum])
    found = [value for _, value in prog.type("enum e").enumerators]
    assert found == [0xFF, 0xFFFFFFFF, -2, -3, -4]
    assert [prog[name].value_() for name in values] == [0xFF, -1, -2, -3, -4]


def test_enumerators_of_a_declaration_are_none(debug_program) -> None:
    enum = D(
        dw.DW_TAG_enumeration_type,
        [D(dw.DW_TAG_enumerator, name="E", const_value=1)],
        name="e",
        declaration=1,
    )
    prog = one(debug_program, [enum])
    assert "E" not in prog


def test_elements_and_members_without_values(debug_program) -> None:
    function = D(dw.DW_TAG_subroutine_type)
    nothing = D(dw.DW_TAG_typedef, name="nothing")
    member = D(dw.DW_TAG_member, name="m", type=nothing)
    struct = D(dw.DW_TAG_structure_type, [member], name="s", byte_size=0)
    array = D(dw.DW_TAG_array_type, type=function)
    typedef = D(dw.DW_TAG_typedef, name="t", type=array)
    prog = one(debug_program, [function, nothing, struct, array, typedef])
    assert prog.type("t").type.type_name() == "void [](void)"
    assert str(prog.type("struct s")) == "struct s {\n\tnothing m;\n}"
    with pytest.raises(TypeError, match="cannot get alignment of void type"):
        alignof(prog.type("struct s"))


def test_byte_order_of_a_base_type(debug_program) -> None:
    big = integer()
    big.attributes.append((dw.DW_AT_endianity, A(dw.DW_FORM_data1, dw.DW_END_big)))
    prog = one(debug_program, [big, D(dw.DW_TAG_variable, name="v", type=big)])
    assert prog["v"].type_.byteorder == "big"


def test_types_made_of_themselves(debug_program) -> None:
    typedef = D(dw.DW_TAG_typedef, name="t")
    pointer = D(dw.DW_TAG_pointer_type, type=typedef)
    typedef.attributes.append((dw.DW_AT_type, A(dw.DW_FORM_ref4, pointer)))
    prog = one(debug_program, [typedef, pointer])
    with pytest.raises(RecursionError, match="maximum DWARF type parsing depth"):
        prog.type("t")


def test_enumerations_made_of_themselves(debug_program) -> None:
    inner = D(dw.DW_TAG_enumeration_type, byte_size=4)
    outer = D(dw.DW_TAG_enumeration_type, name="e", byte_size=4, type=inner)
    inner.attributes.append((dw.DW_AT_type, A(dw.DW_FORM_ref4, outer)))
    prog = one(debug_program, [outer, inner])
    with pytest.raises(RecursionError, match="maximum DWARF type parsing depth"):
        prog.type("enum e")


def test_a_long_chain_of_types(debug_program) -> None:
    chain = [integer()]
    for depth in range(1, 1002):
        chain.append(D(dw.DW_TAG_pointer_type, type=chain[-1]))
        if depth > 999:
            chain.append(D(dw.DW_TAG_variable, name=f"v{depth}", type=chain[-1]))
            chain[-2:] = reversed(chain[-2:])
    with pytest.raises(RecursionError, match="maximum DWARF type parsing depth"):
        _ = one(debug_program, chain)["v1001"]
    type = one(debug_program, chain)["v1000"].type_
    depth = 0
    while type.kind is TypeKind.POINTER:
        depth += 1
        type = type.type
    assert depth == 1000


@pytest.mark.parametrize(
    ("dies", "message"),
    [
        ([D(0x1234)], "unknown DWARF type tag 0x1234"),
        ([D(dw.DW_TAG_typedef)], "DW_TAG_typedef has missing or invalid DW_AT_name"),
        (
            [D(dw.DW_TAG_base_type, name="x", byte_size=4)],
            "DW_TAG_base_type has missing or invalid DW_AT_encoding",
        ),
        (
            [D(dw.DW_TAG_base_type, name="x", encoding=dw.DW_ATE_signed)],
            "DW_TAG_base_type has missing or invalid DW_AT_byte_size",
        ),
        (
            [D(dw.DW_TAG_structure_type, name="x")],
            "DW_TAG_structure_type has missing or invalid DW_AT_byte_size",
        ),
    ],
)
def test_malformed_types(debug_program, dies: list[D], message: str) -> None:
    variable = D(dw.DW_TAG_variable, name="v", type=dies[0])
    prog = one(debug_program, [*dies, variable])
    with pytest.raises(BadDataError, match=f"^image: DIE at 0x[0-9a-f]+: {message}$"):
        _ = prog["v"]
