"""Static members whose value a class declares, and nothing need define."""

from __future__ import annotations

from typing import Any

import dwarf_asm
import pytest
from dwarf_asm import A, D, Unit

from drgn.engine.dwarf import constants as dw

from .conftest import DebugProgram

CONSTANTS = r"""
namespace n {
struct S { static const char C = 'c'; static constexpr double D = 2.5; int x; };
}
struct T { static const int A = 7; static const int B = 8; const int *p; };
const int T::B;
const int *use = &T::B;
n::S s;
T t;
int main() { return T::A + n::S::C; }
"""


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
@pytest.mark.parametrize("version", [4, 5])
def test_constants_that_classes_only_declare(
    compile_c: Any, debug_program: DebugProgram, compiler: str, version: int
) -> None:
    flags = ["-g", f"-gdwarf-{version}", "-std=c++17", "-x", "c++"]
    path = compile_c(CONSTANTS, *flags, compiler=compiler)
    prog = debug_program(path)
    assert prog["T::A"].value_() == 7
    assert prog["n::S::C"].value_() == ord("c")
    assert prog["n::S::D"].value_() == 2.5
    assert prog["T::A"].type_.type_name() == "const int"
    for name in ("A", "S::C", "C", "T::p"):
        assert name not in prog


@pytest.mark.parametrize("qualified", [False, True])
@pytest.mark.parametrize("defined", [False, True])
@pytest.mark.parametrize("tag", [dw.DW_TAG_member, dw.DW_TAG_variable])
def test_a_value_in_a_declaration(
    debug_program: DebugProgram, tag: int, qualified: bool, defined: bool
) -> None:
    number = D(
        dw.DW_TAG_base_type, name="int", byte_size=4, encoding=A(dw.DW_FORM_data1, 5)
    )
    const = D(dw.DW_TAG_const_type, type=number)
    declared = D(
        tag,
        name="v",
        type=const if qualified else number,
        declaration=None,
        external=None,
        const_value=5,
    )
    owner = D(dw.DW_TAG_structure_type, [declared], name="s", byte_size=1)
    dies = [number, const, owner]
    if defined:
        location = b"\x03" + (0x1230).to_bytes(8, "little")
        dies.append(D(dw.DW_TAG_variable, specification=declared, location=location))
    unit = Unit(dies, language=dw.DW_LANG_C_plus_plus_17)
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble([unit])))
    if defined:
        assert prog["s::v"].address_ == 0x1230
    elif qualified:
        assert prog["s::v"].value_() == 5
    else:  # It may have been assigned to.
        assert "s::v" not in prog
