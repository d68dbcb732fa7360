"""Objects from debug information: variables, functions, constants, and file names."""

from __future__ import annotations

import itertools
import shutil
import struct
import subprocess
from pathlib import Path

import dwarf_asm
import pytest
from dwarf_asm import A, D, Unit

from drgn import (
    AbsenceReason,
    Architecture,
    BadDataError,
    FindObjectFlags,
    Language,
    ObjectNotFoundError,
    Platform,
    Program,
)
from drgn.engine.dwarf import build
from drgn.engine.dwarf import constants as dw

SOURCE = """
extern int extern_then_defined; int extern_then_defined = 1;
extern const char text[]; const char text[] = "text";
extern int nowhere;
static const int optimized_constant = 42;
static int never_used = 3;
int initialized[3] = { 1 };
struct s { int x; } s;
enum e { FIRST, SECOND = -7 } e;
static inline __attribute__((always_inline))
int inlined(int x) { volatile int y = x; return y * never_used; }
static inline int inlined_and_not(int x) { return x + optimized_constant; }
int (*volatile keep)(int) = inlined_and_not;
int function(int x) { return inlined(x) + inlined_and_not(x); }
int main(void) { return function(nowhere) + FIRST + initialized[0]; }
int both(void) { return 1; } struct both { int x; } both_used;
"""

OTHER = """
static int same = 2; int *keep_same = &same; int nowhere;
static int function(int x) { return x; } int (*keep_function)(int) = function;
"""

FIRST = "static int same = 1; int *keep_first = &same;" + SOURCE


@pytest.fixture(
    scope="module",
    params=[
        ("gcc", "-gdwarf-5"),
        ("gcc", "-gdwarf-4"),
        ("gcc", "-gdwarf-2"),
        ("clang", "-gdwarf-5"),
        ("clang", "-gdwarf-4"),
    ],
    ids="".join,
)
def program(request, tmp_path_factory) -> Path:
    compiler, version = request.param
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    directory = tmp_path_factory.mktemp("objects") / "src"
    directory.mkdir()
    (directory / "first.c").write_text(FIRST)
    (directory / "other.c").write_text(OTHER)
    subprocess.run(
        [compiler, "-g", version, "-O1", "-no-pie", "first.c", "other.c", "-o", "prog"],
        cwd=directory,
        check=True,
    )
    return directory / "prog"


@pytest.fixture(scope="module")
def prog(program: Path, debug_program) -> Program:
    return debug_program(program)


@pytest.fixture(scope="module")
def symbols(program: Path) -> dict[str, list[int]]:
    listing = subprocess.run(
        ["nm", program], check=True, capture_output=True, text=True
    ).stdout
    found: dict[str, list[int]] = {}
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) == 3:
            found.setdefault(fields[2], []).append(int(fields[0], 16))
    return found


@pytest.mark.parametrize(
    ("name", "type_name"),
    [
        ("extern_then_defined", "int"),
        ("text", "const char [5]"),
        ("initialized", "int [3]"),
        ("s", "struct s"),
        ("e", "enum e"),
        ("nowhere", "int"),
        ("function", "int (int x)"),
        ("main", "int (void)"),
        ("inlined_and_not", "int (int x)"),
    ],
)
def test_addresses(prog: Program, symbols, name: str, type_name: str) -> None:
    found = prog[name]
    assert found.address_ in symbols[name]
    assert found.type_.type_name() == type_name


def test_what_was_optimized_out(prog: Program) -> None:
    assert prog["inlined"].absent_
    assert prog["inlined"].absence_reason_ is AbsenceReason.OPTIMIZED_OUT
    assert prog["inlined"].type_.type_name() == "int (int x)"
    constant = prog["optimized_constant"]
    assert constant.absent_ or constant.value_() == 42
    for name in ("no_such_name", "x", "keep_same.x", "printf"):
        assert name not in prog


def test_constants(prog: Program) -> None:
    assert prog.constant("SECOND").value_() == -7
    assert prog["SECOND"].type_ is prog.type("enum e")
    assert prog["FIRST"].value_() == 0


def test_flags(prog: Program) -> None:
    for name, flag in [
        ("initialized", FindObjectFlags.VARIABLE),
        ("main", FindObjectFlags.FUNCTION),
        ("FIRST", FindObjectFlags.CONSTANT),
    ]:
        assert not prog.object(name, flag).absent_
        assert not prog.object(name, FindObjectFlags.ANY).absent_
        for other in (
            FindObjectFlags.VARIABLE,
            FindObjectFlags.FUNCTION,
            FindObjectFlags.CONSTANT,
        ):
            if other is not flag:
                with pytest.raises(ObjectNotFoundError):
                    prog.object(name, other)
    assert prog["both"].type_.type_name() == "int (void)"
    assert prog.type("struct both").has_member("x")


def test_constants_come_before_functions_and_these_before_variables(
    compile_c,
) -> None:
    sources = (
        ("int all(void) { return 1; }", "int (void)"),
        ("enum e { all, two } e; static int three(void) { return 2; }"
         "int (*p)(void) = three;", "enum e"),
        ("static int all = 1, two = 2, three = 3; int *p[] = {&all, &two, &three};",
         "int"),
    )  # fmt: skip
    objects = [compile_c(text, "-g", "-c", suffix=".o") for text, _ in sources]
    for order in itertools.permutations(range(3)):
        prog = Program(Platform(Architecture.X86_64))
        for i in order:
            module = prog.extra_module("module", i, create=True)
            module.address_range = (0x1000 * i + 1, 0x1000 * i + 2)
            module.try_file(objects[i])
        for name, kind in (
            ("all", "enum e"),
            ("two", "enum e"),
            ("three", "int (void)"),
        ):
            assert prog[name].type_.type_name() == kind
        for i, (_, kind) in enumerate(sources):
            found = prog.object("all", FindObjectFlags.ANY, objects[i].stem + ".c")
            assert found.type_.type_name() == kind


def test_file_names(prog: Program, symbols, program: Path) -> None:
    found = {}
    for name in ("first.c", "other.c"):
        for filename in (name, f"src/{name}", str(program.parent / name)):
            same = prog.variable("same", filename)
            found[name] = same.address_
            assert same.address_ in symbols["same"]
        for filename in (f"x/{name}", f"/{name}", "irst.c", f"{name}/x"):
            with pytest.raises(ObjectNotFoundError):
                prog.variable("same", filename)
    assert found["first.c"] != found["other.c"]
    assert prog.function("function", "other.c").address_ in symbols["function"]
    assert prog.function("function").address_ == (
        prog.function("function", "first.c").address_
    )
    assert prog.constant("SECOND", "first.c").value_() == -7
    assert prog.type("struct s", "first.c") is prog.type("struct s")
    with pytest.raises(LookupError):
        prog.type("struct s", "other.c")
    with pytest.raises(ObjectNotFoundError):
        prog.constant("SECOND", "other.c")


def test_the_language_of_main(compile_c, debug_program) -> None:
    for flags, language in [((), Language.C), (("-xc++",), Language.CPP)]:
        prog = Program()
        path = compile_c("int main(void) { return 0; }", "-g", *flags)
        main = prog.main_module("main", create=True)
        main = main[0] if isinstance(main, tuple) else main
        assert prog.language is Language.C
        main.try_file(path)
        assert prog.language is language


def one(debug_program, *dies: D, order: str = "<", **sections: bytes) -> Program:
    root = D(dw.DW_TAG_compile_unit, name="test.c", language=dw.DW_LANG_C11)
    if "addr" in sections:
        root.attributes.append((dw.DW_AT_addr_base, A(dw.DW_FORM_sec_offset, 0)))
    contents = dwarf_asm.assemble([Unit(list(dies), root=root)], order=order)
    contents |= {f".debug_{name}": data for name, data in sections.items()}
    return debug_program(dwarf_asm.elf(contents, order=order))


def integer(size: int = 4) -> D:
    return D(dw.DW_TAG_base_type, name="int", byte_size=size, encoding=dw.DW_ATE_signed)


def variable(type: D, name: str = "v", **attributes: object) -> D:
    return D(dw.DW_TAG_variable, name=name, type=type, **attributes)


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        # gcc writes 200 like this, and -56 as DW_FORM_sdata.
        (D(dw.DW_TAG_compile_unit, producer="GNU C17 12.2.0"), 200),
        (D(dw.DW_TAG_compile_unit), -56),
        # dwz leaves the producer out.
        (D(dw.DW_TAG_partial_unit), 200),
    ],
)
@pytest.mark.parametrize("kind", ["int", "enum", "unsigned"])
def test_signs_of_constants_in_forms_without(
    debug_program, root: D, expected: int, kind: str
) -> None:
    encoding = dw.DW_ATE_unsigned if kind == "unsigned" else dw.DW_ATE_signed
    number = D(dw.DW_TAG_base_type, name="n", byte_size=4, encoding=encoding)
    enum = D(dw.DW_TAG_enumeration_type, name="e", byte_size=4, type=number)
    v = variable(
        enum if kind == "enum" else number, const_value=A(dw.DW_FORM_data1, 200)
    )
    unit = Unit([number, enum, v], root=root)
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble([unit])))
    assert prog["v"].value_() == (200 if kind == "unsigned" else expected)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (A(dw.DW_FORM_sdata, -5), -5),
        (A(dw.DW_FORM_data1, 0xFF), -1),
        (A(dw.DW_FORM_data1, 0x7F), 0x7F),
        (A(dw.DW_FORM_data2, 0x8000), -0x8000),
        (A(dw.DW_FORM_data4, 0xFFFFFFFF), -1),
        (A(dw.DW_FORM_udata, 7), 7),
        (A(dw.DW_FORM_implicit_const, -2), -2),
    ],
)
def test_constant_values(debug_program, order: str, value: A, expected: int) -> None:
    type = integer()
    prog = one(debug_program, type, variable(type, const_value=value), order=order)
    assert prog["v"].value_() == expected


@pytest.mark.parametrize("order", ["<", ">"])
def test_constant_values_as_blocks_and_strings(debug_program, order: str) -> None:
    type = integer()
    char = D(
        dw.DW_TAG_base_type, name="char", byte_size=1, encoding=dw.DW_ATE_signed_char
    )
    bounds = D(dw.DW_TAG_subrange_type, count=A(dw.DW_FORM_data1, 3))
    array = D(dw.DW_TAG_array_type, [bounds], type=char)
    block = struct.pack(order + "i", -9)
    prog = one(
        debug_program,
        type,
        char,
        array,
        variable(type, const_value=A(dw.DW_FORM_block1, block)),
        variable(array, "s", const_value=A(dw.DW_FORM_string, "ab")),
        variable(type, "short", const_value=A(dw.DW_FORM_block1, b"\1")),
        order=order,
    )
    assert prog["v"].value_() == -9
    assert prog["s"].string_() == b"ab"
    with pytest.raises(BadDataError, match="DW_AT_const_value block is too small"):
        _ = prog["short"]


U64 = 0xFFFFFFFF81000000


@pytest.mark.parametrize("order", ["<", ">"])
def test_locations(debug_program, order: str) -> None:
    type = integer()
    address = struct.pack(order + "Q", U64)
    prog = one(
        debug_program,
        type,
        variable(type, "plain", location=b"\x03" + address),
        variable(type, "index", location=b"\xa1\0"),
        variable(type, "computed", location=b"\x03" + address + b"\x23\x08"),
        variable(type, "literal", location=b"\x33\x9f"),
        variable(type, "implicit", location=b"\x9e\x04" + struct.pack(order + "i", -2)),
        variable(type, "empty", location=b""),
        variable(type, "missing"),
        variable(type, "bad", location=b"\x03\0\0"),
        addr=address,
        order=order,
    )
    assert prog["plain"].address_ == U64
    assert prog["index"].address_ == U64
    assert prog["computed"].address_ == U64 + 8
    assert prog["literal"].value_() == 3
    assert prog["implicit"].value_() == -2
    for name in ("empty", "missing"):
        assert prog[name].absence_reason_ is AbsenceReason.OPTIMIZED_OUT
    with pytest.raises(BadDataError, match="^image: DIE at .*: DW_AT_location: "):
        _ = prog["bad"]


def test_where_a_list_says_depends_on_the_code(debug_program) -> None:
    type = integer()
    places = A(dw.DW_FORM_sec_offset, 0)
    prog = one(debug_program, type, variable(type, location=places))
    assert prog["v"].absence_reason_ is AbsenceReason.OPTIMIZED_OUT


def test_an_index_of_an_address_needs_a_table(debug_program) -> None:
    type = integer()
    prog = one(debug_program, type, variable(type, location=b"\xa1\0"))
    message = "^image: unit at 0x0: indirect address without DW_AT_addr_base$"
    with pytest.raises(BadDataError, match=message):
        _ = prog["v"]


def test_a_definition_with_a_place_wins(debug_program) -> None:
    type = integer()
    prog = one(
        debug_program,
        type,
        variable(type),
        variable(type, location=b"\x03" + bytes(8)),
    )
    assert prog["v"].address_ == 0


def test_a_complete_array_wins(debug_program) -> None:
    type = integer()
    unknown = D(dw.DW_TAG_array_type, [D(dw.DW_TAG_subrange_type)], type=type)
    bounds = D(dw.DW_TAG_subrange_type, count=A(dw.DW_FORM_data1, 3))
    known = D(dw.DW_TAG_array_type, [bounds], type=type)
    places = [b"\x03" + bytes(7) + bytes([i]) for i in range(3)]
    weak = variable(unknown, location=places[0])
    strong = variable(known, location=places[0])
    for dies in ([weak, strong], [strong, weak]):
        prog = one(debug_program, type, unknown, known, *dies)
        assert prog["v"].type_.type_name() == "int [3]"
    prog = one(debug_program, type, unknown, weak)
    assert prog["v"].type_.type_name() == "int []"


def test_entry_of_a_function_in_pieces(debug_program) -> None:
    lists = b"".join(
        struct.pack("<BQQ", dw.DW_RLE_start_end, low, high)
        for low, high in [(0x900, 0x910), (0x100, 0x180)]
    )
    function = D(
        dw.DW_TAG_subprogram,
        name="f",
        ranges=A(dw.DW_FORM_sec_offset, 0),
        entry_pc=A(dw.DW_FORM_addr, 0x100),
    )
    first = D(dw.DW_TAG_subprogram, name="g", ranges=A(dw.DW_FORM_sec_offset, 0))
    prog = one(debug_program, function, first, rnglists=lists + b"\0")
    assert prog["f"].address_ == 0x100
    assert prog["g"].address_ == 0x900


@pytest.mark.parametrize("plain_size", [0, 1 << 20])
@pytest.mark.parametrize(
    "language", [dw.DW_LANG_C11, dw.DW_LANG_C_plus_plus_14], ids=["c", "c++"]
)
@pytest.mark.parametrize(
    "scope", [dw.DW_TAG_structure_type, dw.DW_TAG_union_type, dw.DW_TAG_namespace]
)
def test_definitions_outside_of_the_scope_of_their_declaration(
    debug_program,
    monkeypatch: pytest.MonkeyPatch,
    scope: int,
    language: int,
    plain_size: int,
) -> None:
    monkeypatch.setattr(build, "_PLAIN_SIZE", plain_size)
    type = integer()
    v = D(dw.DW_TAG_variable, name="v", type=type, declaration=None, external=None)
    f = D(dw.DW_TAG_subprogram, name="f", type=type, declaration=None, external=None)
    outer = D(scope, [v, f], name="s")
    inline = A(dw.DW_FORM_data1, 1)
    abstract = D(dw.DW_TAG_subprogram, specification=f, inline=inline)
    address = A(dw.DW_FORM_exprloc, b"\x03" + struct.pack("<Q", 0x1000))
    dies = [
        type,
        outer,
        D(dw.DW_TAG_variable, specification=v, location=address),
        abstract := D(
            dw.DW_TAG_subprogram, specification=f, inline=A(dw.DW_FORM_data1, 1)
        ),
        D(dw.DW_TAG_subprogram, abstract_origin=abstract, low_pc=0x2000, high_pc=4),
    ]
    unit = Unit(dies, language=language)
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble([unit])))
    assert prog["s::v"].address_ == 0x1000
    assert prog["s::f"].address_ == 0x2000
    assert "v" not in prog
    assert "f" not in prog


def test_definitions_in_other_files_are_found(debug_program) -> None:
    declaration = D(dw.DW_TAG_structure_type, name="s", declaration=None)
    pointer = D(dw.DW_TAG_pointer_type, type=declaration)
    user = [declaration, pointer, variable(pointer, "p")]
    definition = [D(dw.DW_TAG_structure_type, name="s", byte_size=12)]
    images = [
        dwarf_asm.elf(dwarf_asm.assemble([Unit(dies)])) for dies in (user, definition)
    ]
    for order in (images, images[::-1]):
        assert debug_program(*order)["p"].type_.type.size == 12


@pytest.mark.parametrize("options", [[], ["--dwarf-5"]])
@pytest.mark.parametrize("language", ["c", "c++"])
def test_what_dwz_moved_elsewhere(
    language: str, options: list[str], tmp_path: Path, compile_c, debug_program
) -> None:
    if shutil.which("dwz") is None:
        pytest.skip("no dwz")
    source = SOURCE if language == "c" else "namespace n { struct s { int x; } s; }"
    flags = ["-g", "-gdwarf-4", "-O1", "-no-pie", "-x", language]
    source += "\n" if language == "c" else "int main() { return n::s.x; }"
    if language == "c":
        source = source.replace("extern int nowhere", "int nowhere")
    program = compile_c(source, *flags)
    for name in ("one", "two"):
        shutil.copy(program, tmp_path / name)
    subprocess.run(
        ["dwz", *options, "-m", "common", "one", "two"], check=True, cwd=tmp_path
    )
    before = debug_program(program)
    after = debug_program(
        tmp_path / "one", supplementary=(tmp_path / "common").read_bytes()
    )
    if language == "c":
        for name in ("struct s", "enum e"):
            assert str(after.type(name)) == str(before.type(name))
        names = ["function", "inlined", "inlined_and_not", "initialized", "e", "SECOND"]
    else:
        before.language = after.language = Language.CPP
        assert str(after.type("n::s")) == str(before.type("n::s"))
        names = ["n::s", "main"]
    for name in names:
        assert repr(after[name]) == repr(before[name])
    if language == "c":
        with pytest.raises((LookupError, BadDataError)):
            debug_program(tmp_path / "one").type("struct s")


@pytest.mark.parametrize(
    "tag",
    [dw.DW_TAG_structure_type, dw.DW_TAG_class_type, dw.DW_TAG_union_type],
    ids=["struct", "class", "union"],
)
def test_what_classes_have_of_languages_without_them(debug_program, tag: int) -> None:
    integer = D(dw.DW_TAG_base_type, name="int", byte_size=4, encoding=5)
    inner = D(
        dw.DW_TAG_structure_type,
        [D(dw.DW_TAG_variable, name="deep", type=integer, const_value=8)],
        name="inner",
        byte_size=4,
    )
    outer = D(
        tag,
        [
            D(dw.DW_TAG_variable, name="value", type=integer, const_value=7),
            D(dw.DW_TAG_subprogram, name="call", type=integer, low_pc=64, high_pc=8),
            D(
                dw.DW_TAG_enumeration_type,
                [D(dw.DW_TAG_enumerator, name="RED", const_value=3)],
                name="color",
                type=integer,
                byte_size=4,
            ),
            inner,
        ],
        name="outer",
        byte_size=4,
    )
    unit = Unit([integer, outer], language=dw.DW_LANG_C11)
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble([unit])))
    assert prog["outer::value"].value_() == 7
    assert prog.variable("outer::value").value_() == 7
    assert prog.function("outer::call").address_ == 64
    assert prog.constant("outer::RED").value_() == 3
    assert prog["outer::inner::deep"].value_() == 8
    for name in ("value", "inner::deep", "outer::deep", "outer::", "outer::inner::x"):
        with pytest.raises(ObjectNotFoundError):
            prog[name]


@pytest.mark.parametrize("language", [dw.DW_LANG_C11, dw.DW_LANG_C_plus_plus_14])
def test_template_parameters_of_any_language(debug_program, language: int) -> None:
    number = integer()
    parameters = [
        D(dw.DW_TAG_template_type_parameter, name="T", type=number),
        D(dw.DW_TAG_template_value_parameter, name="N", type=number, const_value=3),
    ]
    of = D(dw.DW_TAG_structure_type, parameters, name="of", byte_size=4)
    unit = Unit([number, of], language=language)
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble([unit])))
    first, second = prog.type("struct of").template_parameters
    assert (first.name, first.argument) == ("T", prog.type("int"))
    assert (second.name, second.argument.value_()) == ("N", 3)


@pytest.mark.parametrize("attributes", [{}, {"location": b""}])
def test_template_parameters_without_a_value(debug_program, attributes: dict) -> None:
    number = integer()
    value = D(dw.DW_TAG_template_value_parameter, name="N", type=number, **attributes)
    of = D(dw.DW_TAG_structure_type, [value], name="of", byte_size=4)
    unit = Unit([number, of], language=dw.DW_LANG_C_plus_plus_17)
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble([unit])))
    (parameter,) = prog.type("struct of").template_parameters
    with pytest.raises(BadDataError, match="_value_parameter is missing value$"):
        _ = parameter.argument


@pytest.mark.parametrize(
    "name", ["decltype(nullptr)", "nullptr_t", "typeof (nullptr)", "typeof(nullptr)"]
)
def test_null_pointers(debug_program, name: str) -> None:
    type = D(dw.DW_TAG_unspecified_type, name=name)
    alias = D(dw.DW_TAG_typedef, name="nullptr_t", type=type)
    place = b"\x03" + (0x1230).to_bytes(8, "little")
    unit = Unit([type, alias, variable(alias, "v", location=place)])
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble([unit])))
    prog.add_memory_segment(0x1230, 8, lambda *_: bytes(8))
    assert str(prog["v"]) == "(nullptr_t)0x0"
    assert not prog["v"]


@pytest.mark.parametrize("scope", [dw.DW_TAG_structure_type, dw.DW_TAG_namespace])
@pytest.mark.parametrize("defined_first", [False, True])
@pytest.mark.parametrize("language", [dw.DW_LANG_Rust, dw.DW_LANG_C_plus_plus_17])
def test_what_is_declared_in_a_scope_and_defined_outside(
    debug_program, scope: int, defined_first: bool, language: int
) -> None:
    type_ = integer()
    declared = variable(type_, "v", declaration=1)
    method = D(dw.DW_TAG_subprogram, name="f", declaration=1)
    named = D(scope, [declared, method], name="s")
    location = b"\x03" + (0x1230).to_bytes(8, "little")
    definitions = [
        D(dw.DW_TAG_variable, specification=declared, location=location),
        D(dw.DW_TAG_subprogram, specification=method, low_pc=0x100, high_pc=8),
    ]
    dies = [*definitions, named] if defined_first else [named, *definitions]
    sections = dwarf_asm.assemble([Unit([type_, *dies], language=language)])
    prog = debug_program(dwarf_asm.elf(sections))
    assert prog["s::v"].address_ == 0x1230
    assert prog["s::f"].address_ == 0x100
    for name in ("v", "f"):
        assert name not in prog


def test_a_declaration_in_a_structure_defines_nothing(debug_program) -> None:
    type_ = integer()
    declared = variable(type_, "v", declaration=1)
    struct = D(dw.DW_TAG_structure_type, [declared], name="s", byte_size=0)
    assert "s::v" not in one(debug_program, type_, struct)
