"""Symbol, SymbolIndex, and lookups in the symbol tables of ELF files."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import dwarf_asm
import pytest

from drgn import (
    ModuleFileStatus,
    Program,
    Symbol,
    SymbolBinding,
    SymbolIndex,
    SymbolKind,
)


def symbol(name: str, address: int, size: int) -> Symbol:
    return Symbol(name, address, size, SymbolBinding.GLOBAL, SymbolKind.FUNC)


def names(symbols: list[Symbol]) -> list[str]:
    return [found.name for found in symbols]


class TestSymbol:
    def test_repr_is_the_constructor_call(self) -> None:
        assert repr(symbol("foo", 16, 4)) == (
            "Symbol(name='foo', address=0x10, size=0x4,"
            " binding=<SymbolBinding.GLOBAL: 2>, kind=<SymbolKind.FUNC: 2>)"
        )

    def test_symbols_with_equal_fields_are_equal(self) -> None:
        assert symbol("foo", 16, 4) == symbol("foo", 16, 4)
        assert symbol("foo", 16, 4) != symbol("foo", 16, 5)
        assert symbol("foo", 16, 4) != "foo"
        with pytest.raises(TypeError, match="unhashable"):
            hash(symbol("foo", 16, 4))

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ((b"a", 1, 1), TypeError, "argument 1 must be str, not bytes"),
            (("a", -1, 1), OverflowError, "negative int to unsigned"),
            (("a", 1, 2**64), OverflowError, "too big"),
        ],
    )
    def test_bad_arguments(
        self, arguments: tuple[str, int, int], error: type[Exception], message: str
    ) -> None:
        with pytest.raises(error, match=message):
            symbol(*arguments)


class TestSymbolIndex:
    index = SymbolIndex(
        [
            symbol("f", 20, 100),
            symbol("a", 0, 100),
            symbol("b", 10, 20),
            symbol("d", 12, 4),
            symbol("e", 200, 1),
            symbol("empty", 300, 0),
            symbol("b", 400, 8),
        ]
    )

    @pytest.mark.parametrize(
        ("address", "expected"),
        [
            (0, ["a"]),
            (15, ["a", "b", "d"]),
            (16, ["a", "b"]),
            (25, ["a", "b", "f"]),
            (30, ["a", "f"]),
            (100, ["f"]),
            (120, []),
            (200, ["e"]),
            (201, []),
            (300, []),
        ],
    )
    def test_by_address(self, address: int, expected: list[str]) -> None:
        prog = Program()
        assert names(self.index(prog, None, address, False)) == expected
        assert names(self.index(prog, None, address, True)) == expected[:1]

    def test_by_name(self) -> None:
        prog = Program()
        found = self.index(prog, "b", None, False)
        assert [one.address for one in found] == [10, 400]
        assert self.index(prog, "missing", None, True) == []
        assert names(self.index(prog, "b", 11, False)) == ["b"]
        assert self.index(prog, "b", 0, False) == []

    def test_all_ascend_by_address(self) -> None:
        found = self.index(Program(), None, None, False)
        assert names(found) == ["a", "b", "d", "f", "e", "empty", "b"]

    def test_is_a_finder(self) -> None:
        prog = Program()
        prog.register_symbol_finder("index", self.index, enable_index=0)
        assert prog.symbol(201 - 1).name == "e"
        with pytest.raises(LookupError, match="containing 0xc9"):
            prog.symbol(201)

    def test_takes_only_symbols(self) -> None:
        with pytest.raises(TypeError, match="expected sequence of Symbols"):
            SymbolIndex([1])  # type: ignore[list-item]

    def test_names_are_strings(self) -> None:
        with pytest.raises(TypeError, match="argument 2 must be str or None, not int"):
            self.index(Program(), 5, None, True)  # type: ignore[arg-type]


# What a linker makes of this has symbols that nest, coincide, have no size, ...
ASSEMBLY = r"""
.globl _start
_start: .skip 16
.size _start, 16
t1: t2: t3: .skip 64
.size t1, 32
.size t2, 64
.size t3, 16
z1: z2: zg: zw: z3: .skip 32
.globl zg
.weak zw
func_nosize: .skip 16
.LC44: .skip 16
obj_nosize: .skip 16
w1: g1: g2: g3: l1: .skip 64
.globl g1
.globl g2
.globl g3
.weak w1
.size g1, 16
.size g2, 64
.size g3, 32
.size l1, 8
.size w1, 4
same_l: same_w: same_g: .skip 16
.weak same_w
.globl same_g
.size same_l, 16
.size same_w, 16
.size same_g, 16
inside: .skip 8
nested_global: .skip 8
inside_label: .skip 16
.globl nested_global
.size inside, 32
.size nested_global, 8
last_label: .skip 8
.section .rodata,"a"
r0: .quad 1
.LC1: .asciz "abc"
.data
d0: .quad 1
.size d0, 8
.set outside, 0x1234
.globl outside
"""

BASE = 0x500000


@pytest.fixture(scope="module")
def elf(compile_c) -> Path:
    lines = ASSEMBLY.strip().splitlines()
    text = "".join('"{}\\n"\n'.format(line.replace('"', r"\"")) for line in lines)
    return compile_c(
        f'__asm__(".text\\n"\n{text});\n',
        "-nostdlib",
        "-static",
        "-Wa,--keep-locals",
        "-Wl,-Ttext-segment=0x400000,--build-id=none",
    )


@pytest.fixture(scope="module")
def prog(elf: Path) -> Program:
    prog = Program()
    module = prog.extra_module("symbols", create=True)
    module.address_range = (BASE, BASE + 0x10000)
    module.try_file(elf)
    assert module.loaded_file_bias == BASE - 0x400000
    return prog


def test_modules_in_pieces_have_no_bias(elf: Path) -> None:
    prog = Program()
    module = prog.extra_module("pieces", create=True)
    module.address_ranges = [(BASE, BASE + 0x100), (BASE + 0x1000, BASE + 0x2000)]
    module.try_file(elf, force=True)
    assert module.loaded_file_bias == 0


class TestElfSymbols:
    # Offset from _start -> symbol that names the address, symbols that contain it.
    # All of it is what upstream 0.3.0 finds, but for the label in the function.
    @pytest.mark.parametrize(
        ("offset", "best", "contain"),
        [
            (0x00, "_start", ["_start"]),
            (0x0F, "_start", ["_start"]),
            (0x10, "t3", ["t1", "t2", "t3"]),
            (0x20, "t1", ["t1", "t2"]),
            (0x30, "t2", ["t2"]),
            (0x50, "zg", ["zg"]),
            (0x6F, "zg", ["zg"]),
            (0x70, "func_nosize", ["func_nosize"]),
            (0x84, "func_nosize", ["func_nosize"]),
            (0x90, "obj_nosize", ["obj_nosize"]),
            (0xA0, "w1", ["l1", "w1", "g1", "g2", "g3"]),
            (0xA4, "l1", ["l1", "g1", "g2", "g3"]),
            (0xA8, "g1", ["g1", "g2", "g3"]),
            (0xB0, "g3", ["g2", "g3"]),
            (0xC0, "g2", ["g2"]),
            (0xE0, "same_g", ["same_l", "same_w", "same_g"]),
            (0xF0, "inside", ["inside"]),
            (0xF8, "nested_global", ["inside", "nested_global"]),
            (0x100, "inside", ["inside"]),
            (0x110, "last_label", ["last_label"]),
            (0x118, None, []),
        ],
    )
    def test_by_address(
        self, prog: Program, offset: int, best: str | None, contain: list[str]
    ) -> None:
        address = prog.symbol("_start").address + offset
        assert sorted(names(prog.symbols(address))) == sorted(contain)
        if best is None:
            with pytest.raises(LookupError, match=f"containing {address:#x}"):
                prog.symbol(address)
        else:
            assert prog.symbol(address).name == best

    def test_label_of_a_string(self, prog: Program) -> None:
        assert prog.symbol(prog.symbol("r0").address + 9).name == ".LC1"

    def test_addresses_are_moved_if_they_are_in_the_module(self, prog: Program) -> None:
        assert prog.symbol("_start").address >= BASE
        assert prog.symbol("outside").address == 0x1234

    def test_outside_of_modules(self, prog: Program) -> None:
        with pytest.raises(LookupError):
            prog.symbol(0x400000)

    def test_global_goes_before_weak_before_local(self, compile_c) -> None:
        prog = Program()
        sources = [
            "static int dup(void) { return 1; } int (*a)(void) = dup;"
            "__attribute__((weak)) int dup_weak(void) { return 1; }",
            "int dup(void) { return 2; }"
            "static int dup_weak(void) { return 2; } int (*b)(void) = dup_weak;",
        ]
        for number, source in enumerate(sources):
            module = prog.relocatable_module("m", number, create=True)
            module.section_addresses[".text"] = 0x1000 * (number + 1)
            module.try_file(compile_c(source, "-c", "-O0"))
        assert prog.symbol("dup").binding is SymbolBinding.GLOBAL
        assert prog.symbol("dup_weak").binding is SymbolBinding.WEAK
        assert len(prog.symbols("dup")) == 2

    def test_the_newest_module_is_asked_first(self, elf: Path) -> None:
        """As upstream does: the main module is where it was made, unlike in modules().

        Of equal symbols the first is found.
        """
        prog = Program()
        modules = [
            prog.extra_module("first", create=True),
            prog.main_module("main", create=True),
            prog.extra_module("second", create=True),
            prog.extra_module("first", 1, create=True),
        ]
        for i, module in enumerate(modules):
            module.address_range = (BASE * (i + 1), BASE * (i + 1) + 0x10000)
            module.try_file(elf)
        found = [symbol.address for symbol in prog.symbols("_start")]
        # The main module is not where a process has it: there is none.
        assert [prog.module(address).name for address in (found[0], *found[2:])] == [
            "second",
            "first",
            "first",
        ]
        assert found[1] == found[0] - 3 * BASE + 0x400000
        assert found[2] > found[3]
        assert prog.symbol("_start").address == found[0]
        assert next(prog.modules()).name == "main"

    def test_sections_that_are_not_loaded_have_no_symbols(self, compile_c) -> None:
        source = "int data = 3; int function(void) { return data; }"
        prog = Program()
        module = prog.relocatable_module("m", 0, create=True)
        module.section_addresses[".text"] = 0x7000
        module.address_range = (0x7000, 0x8000)
        module.try_file(compile_c(source, "-c", "-g"))
        assert module.debug_file_status is ModuleFileStatus.HAVE
        assert prog.symbol("function").address == 0x7000
        assert prog.symbol(0x7001).name == "function"
        with pytest.raises(LookupError, match="with name 'data'"):
            prog.symbol("data")

    def test_dynamic_symbols_and_mini_debug_info(
        self, compile_c, tmp_path: Path
    ) -> None:
        import lzma
        import subprocess

        source = (
            "static int hidden(int a) { return a * 3; }"
            "int (*pointer)(int) = hidden; int exported(int a) { return a + 1; }"
        )
        library = compile_c(source, "-shared", "-fPIC", "-g", suffix=".so")
        stripped = tmp_path / "stripped.so"
        subprocess.run(["strip", "-o", stripped, library], check=True)
        symtab = tmp_path / "mini"
        subprocess.run(["objcopy", "--only-keep-debug", library, symtab], check=True)
        (tmp_path / "mini.xz").write_bytes(lzma.compress(symtab.read_bytes()))
        mini = tmp_path / "mini.so"
        subprocess.run(
            ["objcopy", "--add-section", f".gnu_debugdata={tmp_path}/mini.xz"]
            + [stripped, mini],
            check=True,
        )

        def find(path: Path, name: str) -> list[Symbol]:
            prog = Program()
            prog.extra_module("m", create=True).try_file(path)
            return prog.symbols(name)

        assert names(find(stripped, "exported")) == ["exported"]
        assert find(stripped, "hidden") == []
        assert names(find(mini, "hidden")) == ["hidden"]
        assert find(mini, "hidden") == find(library, "hidden")


def symbol_file(
    path: Path, symbols: Sequence[tuple[str, int, int, int]], machine: int = 62
) -> Program:
    """A program with a file of FUNC symbols: name, value, size and section index.

    Section 1 is code at 0x10000.
    """
    names, table = b"\0", bytes(24)
    for name, value, size, shndx in symbols:
        table += struct.pack("<IBBHQQ", len(names), 0x12, 0, shndx, value, size)
        names += name.encode() + b"\0"
    image = dwarf_asm.elf(
        {".text": bytes(0x1000), ".symtab": table, ".strtab": names},
        machine=machine,
        headers={
            ".text": {"flags": 6, "addr": 0x10000},
            ".symtab": {"type": 2, "link": 3, "info": 1, "entsize": 24},
            ".strtab": {"type": 3},
        },
        segments=[(1, 5, 0, 0x10000, 0x10000, 0x1000, 0x1000, 0x1000)],
    )
    path.write_bytes(image)
    prog = Program()
    module = prog.extra_module("symbols", create=True)
    module.address_range = (0x10000, 0x11000)
    module.try_file(path)
    return prog


# SHN_ABS, SHN_COMMON, SHN_XINDEX without its table, and no section at all.
@pytest.mark.parametrize("section", [0xFFF1, 0xFFF2, 0xFFFF, 99])
def test_symbols_without_a_section_have_an_address(
    tmp_path: Path, section: int
) -> None:
    prog = symbol_file(
        tmp_path / "file",
        [("code", 0x10000, 0x20, 1), ("absolute", 0x10010, 4, section)],
    )
    assert prog.symbol(0x10010).name == "absolute"
    assert names(prog.symbols(0x10010)) == ["code", "absolute"]
    assert prog.symbol(0x10014).name == "code"


@pytest.mark.parametrize(("machine", "address"), [(40, 0x10100), (62, 0x10101)])
def test_thumb_functions_of_arm(tmp_path: Path, machine: int, address: int) -> None:
    prog = symbol_file(tmp_path / "file", [("thumb", 0x10101, 4, 1)], machine)
    assert prog.symbol("thumb").address == address
    assert prog.symbol(address + 3).address == address
    with pytest.raises(LookupError):
        prog.symbol(address + 4)


def test_all_symbols_are_those_of_the_ranges_that_the_module_has(
    tmp_path: Path,
) -> None:
    prog = symbol_file(tmp_path / "file", [("code", 0x10000, 0x20, 1)])
    module = prog.module("symbols")
    for start in (0x10000, 0x40000):
        module.address_range = (start, start + 0x1000)
        assert prog.symbols() == prog.symbols() == [prog.symbol("code")]
    module.address_range = None
    assert prog.symbols() == [prog.symbol("code")]
