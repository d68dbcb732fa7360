"""Arrays without a length: flexible where C has them, else of length zero.

gcc before 9 left out the length of arrays of length zero as well.
"""

from __future__ import annotations

import dwarf_asm
import pytest
from dwarf_asm import A, D, Unit

from drgn import Program, Type
from drgn.engine.dwarf import constants as dw


@pytest.fixture(scope="module", params=[dw.DW_LANG_C11, dw.DW_LANG_C_plus_plus_14])
def prog(request, debug_program) -> Program:
    encoding = A(dw.DW_FORM_data1, dw.DW_ATE_signed)
    integer = D(dw.DW_TAG_base_type, name="int", byte_size=4, encoding=encoding)
    array = D(dw.DW_TAG_array_type, [D(dw.DW_TAG_subrange_type)], type=integer)
    typedef = D(dw.DW_TAG_typedef, name="open", type=array)
    computed = D(dw.DW_TAG_subrange_type, count=A(dw.DW_FORM_exprloc, b"\x30"))
    variable = D(dw.DW_TAG_array_type, [computed], type=integer)
    named_variable = D(dw.DW_TAG_typedef, name="computed", type=variable)
    two = D(dw.DW_TAG_subrange_type, count=A(dw.DW_FORM_data1, 2))
    of_open = D(dw.DW_TAG_array_type, [two], type=typedef)

    def compound(name: str, *types: D, tag: int = dw.DW_TAG_structure_type) -> D:
        members = [
            D(dw.DW_TAG_member, name=f"m{i}", type=type_, data_member_location=0)
            for i, type_ in enumerate(types)
        ]
        return D(tag, members, name=name, byte_size=8)

    last = compound("last", integer, array)
    dies = [
        integer, array, typedef, of_open, variable, named_variable,
        D(dw.DW_TAG_typedef, name="of_open", type=of_open),
        D(dw.DW_TAG_variable, name="extern", type=array),
        last,
        compound("inner", array, integer),
        compound("only", array),
        compound("two", integer, array, array),
        compound("named_last", integer, typedef),
        compound("named_inner", typedef, integer),
        compound("computed", variable, named_variable, array, integer),
        compound("un", integer, array, tag=dw.DW_TAG_union_type),
    ]  # fmt: skip
    units = [Unit(dies, language=request.param)]
    return debug_program(dwarf_asm.elf(dwarf_asm.assemble(units)))


def lengths(type_: Type) -> list[int | None]:
    """Of the arrays among the members of a type."""
    types = [member.type.unaliased() for member in type_.members]
    return [found.length for found in types if found.type_name() != "int"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("struct last", [None]),
        ("struct inner", [0]),
        ("struct only", [0]),
        ("struct two", [0, None]),
        ("struct named_last", [None]),
        ("struct named_inner", [0]),
        # The program knows their length, which is not zero.
        ("struct computed", [None, None, 0]),
        ("union un", [0]),
    ],
)
def test_members(prog: Program, name: str, expected: list[int | None]) -> None:
    assert lengths(prog.type(name)) == expected


def test_other_uses(prog: Program) -> None:
    assert prog["extern"].type_.length is None
    assert prog.type("open").type.length is None
    array = prog.type("of_open").type
    assert array.length == 2
    assert (array.type.name, array.type.type.length) == ("open", 0)
    # One type however it is reached.
    assert array.type is prog.type("struct named_inner").members[0].type
