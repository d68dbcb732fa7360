"""The index: names and addresses to DIEs, compiled and plain, and its cache."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import dwarf_asm
import pytest
from dwarf_asm import A, D, Unit

from drgn.engine import cache
from drgn.engine.dwarf import build, index
from drgn.engine.dwarf import constants as dw
from drgn.engine.dwarf.file import DwarfFile
from drgn.engine.elf.file import ElfFile, open_elf
from drgn.engine.errors import BadDataError

C_SOURCE = """
struct point { int x; struct { int y; } inner; };
union both { int i; float f; };
enum color { RED, GREEN };
enum { NAMELESS = 7 };
typedef struct point point_t;
extern int declared_then_defined;
int declared_then_defined = 4;
struct declared;
struct declared *pointer;
static inline int both_inlined_and_not(int x) { return x * 3; }
int (*volatile keep)(int) = both_inlined_and_not;
static __attribute__((noinline)) int cold(int x) { return x + declared_then_defined; }
int main(int argc, char **argv)
{
    struct point p = { argc, { RED } };
    enum color c = GREEN;
    union both b = { argc };
    point_t *q = &p;
    if (__builtin_expect(argc > 100, 0)) { __builtin_printf("x"); __builtin_abort(); }
    return both_inlined_and_not(argc) + cold(q->x) + c + b.i + NAMELESS;
}
"""

CPP_SOURCE = """
namespace a {
struct S { int m; static int counter; struct Inner { int i; }; int method(); };
int S::counter = 1;
int S::method() { Inner in = { m }; return in.i; }
namespace b { int deep = 5; int function(int x) { return x + deep; } }
enum E { PLAIN }; enum class F { SCOPED };
E e; F f;
template <typename T> struct T1 { T t; };
T1<int> instance;
}
namespace { struct Hidden { int h; }; Hidden hidden; }
int main() { a::S s; return s.method() + a::b::function(1) + hidden.h; }
"""

TAGS = frozenset(
    (
        dw.DW_TAG_structure_type,
        dw.DW_TAG_union_type,
        dw.DW_TAG_enumeration_type,
        dw.DW_TAG_typedef,
        dw.DW_TAG_base_type,
        dw.DW_TAG_variable,
        dw.DW_TAG_subprogram,
        dw.DW_TAG_enumerator,
    )
)

VARIANTS = pytest.mark.parametrize(
    ("compiler", "flags"),
    [
        ("gcc", ("-gdwarf-5", "-O2")),
        ("gcc", ("-gdwarf-4", "-O0")),
        ("gcc", ("-gdwarf-2", "-gstrict-dwarf", "-O1")),
        ("gcc", ("-gdwarf-5", "-gdwarf64", "-O2")),
        ("gcc", ("-gdwarf-4", "-O1", "-fdebug-types-section")),
        ("gcc", ("-gdwarf-5", "-O1", "-gz=zlib")),
        ("clang", ("-gdwarf-5", "-O2")),
        ("clang", ("-gdwarf-4", "-O1")),
    ],
)


def names(file: DwarfFile, name: str) -> list[int]:
    return [die.tag for die in file.find(name, TAGS)]


@VARIANTS
def test_names_in_c(compile_c, compiler: str, flags: tuple[str, ...]) -> None:
    path = compile_c(C_SOURCE, "-g", *flags, compiler=compiler)
    file = DwarfFile(open_elf(path))
    assert names(file, "point") == [dw.DW_TAG_structure_type]
    assert names(file, "both") == [dw.DW_TAG_union_type]
    assert names(file, "color") == [dw.DW_TAG_enumeration_type]
    # An enumerator leads to its enumeration.
    (color,) = file.find("GREEN", TAGS)
    assert color.name == "color"
    assert names(file, "NAMELESS") == [dw.DW_TAG_enumeration_type]
    assert names(file, "point_t") == [dw.DW_TAG_typedef]
    assert set(names(file, "int")) == {dw.DW_TAG_base_type}
    assert names(file, "main") == [dw.DW_TAG_subprogram]
    (variable,) = file.find("declared_then_defined", TAGS)
    assert variable.has(dw.DW_AT_location)
    assert names(file, "keep") == [dw.DW_TAG_variable]
    for name in ("declared", "x", "p", "argc", "no_such_name", "", "::", "point::x"):
        assert names(file, name) == []
    # The abstract instance, and the concrete one that has its name from there.
    code = [die for die in file.find("both_inlined_and_not", TAGS) if die.ranges()]
    assert len(code) == 1


@pytest.mark.parametrize("flags", [("-gdwarf-5",), ("-gdwarf-4", "-O1")])
@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_names_in_cpp(compile_c, compiler: str, flags: tuple[str, ...]) -> None:
    path = compile_c(CPP_SOURCE, "-g", "-xc++", *flags, compiler=compiler)
    file = DwarfFile(open_elf(path))
    for name, tag in [
        ("a::S", dw.DW_TAG_structure_type),
        ("a::S::Inner", dw.DW_TAG_structure_type),
        ("a::b::deep", dw.DW_TAG_variable),
        ("a::b::function", dw.DW_TAG_subprogram),
        ("a::S::method", dw.DW_TAG_subprogram),
        ("a::S::counter", dw.DW_TAG_variable),
        ("a::T1<int>", dw.DW_TAG_structure_type),
        ("a::PLAIN", dw.DW_TAG_enumeration_type),
        ("a::SCOPED", dw.DW_TAG_enumeration_type),
        ("Hidden", dw.DW_TAG_structure_type),
    ]:
        assert tag in names(file, name), name
    for name in ("S", "Inner", "deep", "method", "b::deep", "a::Inner", "a"):
        assert names(file, name) == []
    (method,) = (die for die in file.find("a::S::method", TAGS) if die.ranges())
    assert method.origin_attr(dw.DW_AT_name) == "method"


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_names_in_type_units(compile_c, compiler: str) -> None:
    flags = ("-gdwarf-4", "-fdebug-types-section")
    path = compile_c(CPP_SOURCE, "-g", "-xc++", *flags, compiler=compiler)
    file = DwarfFile(open_elf(path))
    for name in ("a::S", "a::T1<int>"):
        (die, *_) = file.find(name, TAGS)
        assert die.unit.type == dw.DW_UT_type
    assert names(file, "S") == []
    if compiler == "g++":  # clang leaves the declaration in the type unit alone.
        assert dw.DW_TAG_subprogram in names(file, "a::S::method")


def rows(columns: dict[str, memoryview]) -> dict[str, object]:
    """What columns say, whatever the number of buckets."""
    return {
        "entries": sorted(zip(columns["checks"], columns["entries"], strict=True)),
        **{
            name: column.tolist()
            for name, column in columns.items()
            if name not in ("starts", "checks", "entries")
        },
    }


@VARIANTS
@pytest.mark.parametrize("source", ["c", "c++"])
def test_compiled_and_plain_scans_agree(
    compile_c,
    compiler: str,
    flags: tuple[str, ...],
    source: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = C_SOURCE if source == "c" else CPP_SOURCE
    if source == "c++" and "-gdwarf-2" in flags:
        pytest.skip("C++ needs more than DWARF 2")
    path = compile_c(text, "-g", "-x", source, *flags, compiler=compiler, suffix=".x")
    file = DwarfFile(open_elf(path))
    plain = build.build_columns(file)
    monkeypatch.setattr(build, "_PLAIN_SIZE", 0)
    compiled = build.build_columns(file)
    assert rows(plain) == rows(compiled)
    assert len(plain["entries"]) > 10
    for columns in (plain, compiled):
        found = index.Index(columns, cached=False)
        name = "point" if source == "c" else "a::S"
        assert any(entry >> 8 & 0xFF == 0x13 for entry in found.entries(name))


def functions(path: Path) -> Iterator[tuple[str, int, int]]:
    """Name, address and size of the functions in the symbol table."""
    listing = subprocess.run(
        ["readelf", "-sW", path], capture_output=True, text=True, check=True
    ).stdout
    row = re.compile(r": ([0-9a-f]{16}) +(\d+) FUNC .* (\S+)$", re.M)
    for m in row.finditer(listing):
        if int(m[2]):
            yield m[3], int(m[1], 16), int(m[2])


@VARIANTS
def test_addresses(compile_c, compiler: str, flags: tuple[str, ...]) -> None:
    path = compile_c(C_SOURCE, "-g", *flags, compiler=compiler)
    file = DwarfFile(open_elf(path))
    seen = set()
    for name, start, size in functions(path):
        name = name.removesuffix(".cold")
        if name not in ("main", "cold", "both_inlined_and_not"):
            continue
        seen.add(name)
        for pc in (start, start + size - 1):
            die = file.function_at(pc)
            assert die is not None
            assert die.origin_attr(dw.DW_AT_name) == name
            unit = file.unit_for_pc(pc)
            assert unit is die.unit
    assert "main" in seen
    assert file.function_at(0) is None
    assert file.function_at((1 << 64) - 1) is None


def many(count: int) -> bytes:
    """More rows and more deeply nested scopes than a compiler would make."""
    inner: list[D] = [D(dw.DW_TAG_variable, name="bottom")]
    for i in range(200):
        inner = [D(dw.DW_TAG_namespace, inner, name=f"n{i}")]
    units = [
        Unit([D(dw.DW_TAG_variable, name=f"v{i}") for i in range(count)]),
        Unit([*inner, D(dw.DW_TAG_variable, name="after")], language=0x4),
    ]
    return dwarf_asm.elf(dwarf_asm.assemble(units), build_id=b"many")


def test_what_is_compiled_is_known() -> None:
    from drgn.engine.dwarf import kernels, scan

    sources = {module.__name__ for module in kernels.SOURCES}
    pending: list[FunctionType] = [scan.scan, scan.group]  # type: ignore[list-item]
    found = set()
    while pending:
        function = pending.pop()
        if function in found:
            continue
        found.add(function)
        assert function.__module__ in sources
        for name in function.__code__.co_names:
            value = function.__globals__.get(name)
            if isinstance(value, FunctionType):
                pending.append(value)
    assert len(found) == 18


@pytest.mark.parametrize("plain_size", [0, 1 << 30])
def test_more_rows_than_expected(
    plain_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "_PLAIN_SIZE", plain_size)
    file = DwarfFile(ElfFile.from_bytes(many(3000)))
    for name in ("v0", "v1", "v2999", "after"):
        assert [die.name for die in file.find(name, TAGS)] == [name]
    assert names(file, "bottom") == []


@pytest.mark.parametrize("plain_size", [0, 1 << 30])
def test_codes_that_are_not_dense(
    plain_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "_PLAIN_SIZE", plain_size)
    sections = dwarf_asm.assemble([Unit([D(dw.DW_TAG_variable, name="v")])])
    code = dwarf_asm.uleb(100_000)
    table = sections[".debug_abbrev"]
    assert table.count(b"\x02\x34") == 1
    sections[".debug_abbrev"] = table.replace(b"\x02\x34", code + b"\x34")
    info = sections[".debug_info"].replace(b"\x02v\0", code + b"v\0")
    sections[".debug_info"] = (len(info) - 4).to_bytes(4, "little") + info[4:]
    file = DwarfFile(ElfFile.from_bytes(dwarf_asm.elf(sections)))
    assert names(file, "v") == [dw.DW_TAG_variable]


def test_a_specification_in_another_unit() -> None:
    declared = D(dw.DW_TAG_variable, name="x", declaration=None)
    defined = D(
        dw.DW_TAG_variable,
        specification=A(dw.DW_FORM_ref_addr, declared),
        location=b"\x03" + bytes(8),
    )
    units = [Unit([defined]), Unit([declared])]
    image = dwarf_asm.elf(dwarf_asm.assemble(units))
    file = DwarfFile(ElfFile.from_bytes(image))
    assert [die.offset for die in file.find("x", TAGS)] == [defined.offset]


@pytest.fixture
def cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Path, Path]]:
    """A file with debug info that is kept in the cache, and its cache file."""
    monkeypatch.setenv("PYDRGN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(index, "_MIN_CACHED_SIZE", 0)
    path = tmp_path / "file"
    path.write_bytes(many(50))
    scan_and_store(path)
    return path, Path(cache.cache_path("dwarf", b"many"))


def scan_and_store(path: Path) -> DwarfFile:
    import threading

    file = DwarfFile(open_elf(path))
    assert names(file, "v7") == [dw.DW_TAG_variable]
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join(60)
    return file


def test_the_second_time_nothing_is_scanned(
    cached: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = cached
    monkeypatch.setattr(build, "build_columns", None)
    file = scan_and_store(path)
    assert file.index.cached
    assert names(file, "v49") == [dw.DW_TAG_variable]
    assert [unit.name for unit in file.units()] == ["test.c"] * 2


def test_a_changed_file_is_scanned_again(cached: tuple[Path, Path]) -> None:
    path, _ = cached
    path.write_bytes(many(60))
    file = scan_and_store(path)
    assert not file.index.cached
    assert names(file, "v59") == [dw.DW_TAG_variable]


@pytest.mark.parametrize("damage", ["cut", "empty", "columns", "format"])
def test_a_damaged_cache_is_rebuilt(
    cached: tuple[Path, Path], damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, file = cached
    whole = file.read_bytes()
    if damage == "cut":
        file.write_bytes(whole[: len(whole) // 2])
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "columns":
        # Beyond header and table, whose checksum would tell.
        start = cache._HEADER.size + 10 * cache._COLUMN.size
        columns = bytearray(whole)
        for i in range(start, len(whole)):
            columns[i] ^= 0x5A
        file.write_bytes(columns)
    else:
        monkeypatch.setattr(index, "VERSION", index.VERSION + 1)
    assert names(scan_and_store(path), "v49") == [dw.DW_TAG_variable]
    # That replaced it.
    again = scan_and_store(path)
    assert again.index.cached
    assert names(again, "v49") == [dw.DW_TAG_variable]


def test_entries_that_lead_elsewhere_are_rebuilt(cached: tuple[Path, Path]) -> None:
    path, file = cached
    data = bytearray(file.read_bytes())
    entries = DwarfFile(open_elf(path)).index._entries
    first = entries[0].to_bytes(8, "little")
    position = data.rindex(first)
    # All entries now lead to the DIE of the first, or into nothing.
    for i in range(len(entries)):
        wrong = first if i % 2 else (0x7FFFFF00 << 16 | 0x3400).to_bytes(8, "little")
        data[position + 8 * i : position + 8 * i + 8] = wrong
    file.write_bytes(data)
    damaged = DwarfFile(open_elf(path))
    for i in range(50):
        (die,) = damaged.find(f"v{i}", TAGS)
        assert die.name == f"v{i}"


def test_no_build_id_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYDRGN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(index, "_MIN_CACHED_SIZE", 0)
    path = tmp_path / "file"
    sections = dwarf_asm.assemble([Unit([D(dw.DW_TAG_variable, name="v7")])])
    path.write_bytes(dwarf_asm.elf(sections))
    scan_and_store(path)
    assert not (tmp_path / "cache").exists()


def test_bad_units_are_errors_and_not_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYDRGN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(index, "_MIN_CACHED_SIZE", 0)
    sections = dwarf_asm.assemble([Unit([D(dw.DW_TAG_variable, name="v7")])])
    sections[".debug_info"] = sections[".debug_info"][:-2]
    path = tmp_path / "file"
    path.write_bytes(dwarf_asm.elf(sections, build_id=b"bad"))
    for _ in range(2):
        with pytest.raises(BadDataError, match="file: unit at 0x0: unit is truncated"):
            names(DwarfFile(open_elf(path)), "v7")
    assert not (tmp_path / "cache").exists()
