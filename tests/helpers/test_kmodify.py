"""What is loaded to modify the kernel, and what is refused before it is."""

from __future__ import annotations

import errno
import lzma
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from guest_facts import needs_modules
from lab.manifest import Lab
from mock_kernel import Kernel

from drgn import (
    Architecture,
    FaultError,
    Object,
    ObjectAbsentError,
    Platform,
    Program,
    ProgramFlags,
    Symbol,
    SymbolBinding,
    SymbolIndex,
    SymbolKind,
    sizeof,
)
from drgn.helpers.experimental import _kmodify_load, _kmodify_module
from drgn.helpers.experimental._kmodify_code import Code, Data
from drgn.helpers.experimental._kmodify_elf import (
    R_X86_64_64,
    SHF_EXECINSTR,
    SHF_WRITE,
    Relocation,
    Section,
    relocatable,
)
from drgn.helpers.experimental.kmodify import (
    call_function,
    call_functions,
    pass_pointer,
    write_memory,
    write_object,
)

RUNNING = ProgramFlags.IS_LINUX_KERNEL | ProgramFlags.IS_LIVE | ProgramFlags.IS_LOCAL
FUNCTION = 0xFFFFFFFF81000000


def tool(*command: object) -> str:
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"no {command[0]}")
    return subprocess.run(
        list(map(str, command)), check=True, capture_output=True, text=True
    ).stdout


def symbol_finder(**addresses: int) -> Callable[..., list[Symbol]]:
    symbols = [
        Symbol(name, address, 8, SymbolBinding.GLOBAL, SymbolKind.OBJECT)
        for name, address in addresses.items()
    ]
    index = SymbolIndex(symbols)
    return lambda *args: list(index(*args))


# What can be modified.


@pytest.mark.parametrize(
    "modify",
    [
        lambda prog: write_memory(prog, 0xFFFFFFFF81000000, b"x"),
        lambda prog: call_function(prog, "schedule"),
        lambda prog: call_functions(prog, [("schedule",)]),
        lambda prog: write_object(
            Object(prog, prog.int_type("int", 4, True), address=FUNCTION), 1
        ),
        lambda prog: write_object(
            Object(
                prog, prog.int_type("int", 4, True), address=FUNCTION,
                bit_offset=3, bit_field_size=1,
            ),
            1,
        ),
    ],
)  # fmt: skip
def test_only_the_running_kernel(mock: Program, modify: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="only available for the running kernel"):
        modify(mock)


def test_not_a_dump(live: Program) -> None:
    with pytest.raises(ValueError, match="only available for the running kernel"):
        call_function(live, "schedule")


@pytest.mark.parametrize("missing", list(RUNNING))
def test_each_flag_counts(missing: ProgramFlags) -> None:
    prog: Any = SimpleNamespace(flags=RUNNING & ~missing)
    with pytest.raises(ValueError, match="running kernel"):
        _kmodify_load.check(prog)


def _running(arch: Architecture, *symbols: str) -> Any:
    prog = Program(Platform(arch))
    finder = symbol_finder(**dict.fromkeys(symbols, FUNCTION))
    prog.register_symbol_finder("mock", finder, enable_index=0)
    return SimpleNamespace(flags=RUNNING, platform=prog.platform, symbol=prog.symbol)


def test_only_x86_64() -> None:
    _kmodify_load.check(_running(Architecture.X86_64))
    for arch in (Architecture.AARCH64, Architecture.I386, Architecture.S390X):
        with pytest.raises(NotImplementedError, match="x86-64"):
            _kmodify_load.check(_running(arch))


def test_no_control_flow_integrity() -> None:
    with pytest.raises(NotImplementedError, match="CONFIG_CFI_CLANG"):
        _kmodify_load.check(_running(Architecture.X86_64, "report_cfi_failure"))


def test_no_modules(kernel: Kernel) -> None:
    with pytest.raises(ValueError, match="CONFIG_MODULES"):
        _kmodify_module.module(kernel.prog, Code(".data"), b"", 0, 0)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (errno.EPERM, "Operation not permitted .*root"),
        (errno.EKEYREJECTED, "signed modules only"),
        (errno.ENOEXEC, "Exec format error .*log"),
        (0, "Success"),  # it would stay
    ],
)
def test_not_loaded(error: int, text: str) -> None:
    with pytest.raises(OSError, match=text) as caught:
        _kmodify_load.check_result(error)
    assert caught.value.errno == error


# The file.


def test_elf(tmp_path: Path) -> None:
    sections = [
        Section(".text", b"\xc3" * 5, SHF_EXECINSTR, 16),
        Section(
            ".data", bytes(24), SHF_WRITE, 64,
            [
                Relocation(8, R_X86_64_64, "entry"),
                Relocation(16, R_X86_64_64, FUNCTION, 4),
            ],
        ),
    ]  # fmt: skip
    file = tmp_path / "module.o"
    file.write_bytes(relocatable(sections, {"entry": ".text"}))
    shown = tool("readelf", "--lint", "-hSsrW", file)
    assert "Warning" not in shown
    assert re.search(r"Type: +REL ", shown)
    assert re.search(r"\.text +PROGBITS +0+ \w+ 000005 00 +AX +0 +0 +16\n", shown)
    assert re.search(r"\.data +PROGBITS +0+ \w+ 000018 00 +WA +0 +0 +64\n", shown)
    assert re.search(r"0008 .* R_X86_64_64 +0+ entry \+ 0\n", shown)
    assert re.search(
        r"0010 .* R_X86_64_64 +ffffffff81000000 at_ffffffff81000000 \+ 4\n", shown
    )
    assert re.search(r"5 FUNC +GLOBAL DEFAULT +1 entry\n", shown)
    assert re.search(r"NOTYPE +LOCAL +DEFAULT +ABS at_ffffffff81000000\n", shown)


def test_code(tmp_path: Path) -> None:
    code = Code(".data")
    code.call(FUNCTION, 1, -2, Data(8), 4, 5, 6, 7, Data(24), result=16)
    code.end_unless_zero()
    code.set_bit(FUNCTION + 8, 3, True)
    code.set_bit(FUNCTION + 8, 3, False)
    text = code.end(FUNCTION + 16, 0x7F0000001000, 32, -115, -14)
    sections = [
        Section(".text", text, SHF_EXECINSTR, 16, code.relocations),
        Section(".data", bytes(32), SHF_WRITE, 64),
    ]
    file = tmp_path / "module.o"
    file.write_bytes(relocatable(sections, {"init_module": ".text"}))
    lines = tool("objdump", "-dr", "--no-show-raw-insn", file).splitlines()
    shown = [
        re.sub(r"\s+", " ", re.sub(r"^\s*[0-9a-f]+:\s+|#.*|<.*>", "", line)).strip()
        for line in lines[7:]
    ]
    end = shown.index("movabs $0x7f0000001000,%rdi")
    assert shown[:end] == [
        "endbr64",
        "push %rbp",
        "mov %rsp,%rbp",
        "lea 0x0(%rip),%rax",
        "R_X86_64_PC32 .data+0x14",
        "push %rax",
        "movabs $0x7,%rax",
        "push %rax",
        "movabs $0x1,%rdi",
        "movabs $0xfffffffffffffffe,%rsi",
        "lea 0x0(%rip),%rdx",
        "R_X86_64_PC32 .data+0x4",
        "movabs $0x4,%rcx",
        "movabs $0x5,%r8",
        "movabs $0x6,%r9",
        "xor %eax,%eax",
        shown[16],
        "R_X86_64_PC32 at_ffffffff81000000-0x4",
        "add $0x10,%rsp",
        "mov %rax,0x0(%rip)",
        "R_X86_64_PC32 .data+0xc",
        "test %rax,%rax",
        shown[22],
        "movabs $0xffffffff81000008,%rax",
        "lock orb $0x8,(%rax)",
        "movabs $0xffffffff81000008,%rax",
        "lock andb $0xf7,(%rax)",
    ]
    assert shown[16].startswith("call ")
    # The jump goes to the copying of the results.
    target = shown[22].removeprefix("jne ")
    assert re.search(
        rf"^\s*{target}:\s+movabs \$0x7f0000001000", "\n".join(lines), re.M
    )
    assert [line.split()[0] for line in shown[-6:]] == [
        "mov", "je", "mov", "leave", "ret", "int3",
    ]  # fmt: skip
    assert shown[-6:-3:2] == ["mov $0xffffff8d,%eax", "mov $0xfffffff2,%eax"]


def _of_distribution(lab: Lab, tmp_path: Path) -> Path:
    """A module that was built with the kernel."""
    (found,) = (lab.directory / "root").glob("lib/modules/*/kernel/**/dummy.ko*")
    data = found.read_bytes()
    file = tmp_path / "dummy.ko"
    file.write_bytes(lzma.decompress(data) if found.suffix == ".xz" else data)
    return file


def _section(file: Path, name: str, tmp_path: Path) -> bytes:
    content = tmp_path / "section"
    tool("objcopy", "-O", "binary", "--only-section", name, file, content)
    return content.read_bytes()


def test_module_as_the_kernels_own(
    each_lab: Lab, live: Program, tmp_path: Path
) -> None:
    needs_modules(live)
    theirs = _of_distribution(each_lab, tmp_path)
    ours = tmp_path / "ours.ko"
    ours.write_bytes(_kmodify_module.module(live, Code(".init.data"), b"", 0, 0))

    def modinfo(file: Path) -> dict[bytes, bytes]:
        text = _section(file, ".modinfo", tmp_path)
        pairs: list[Any] = [
            entry.split(b"=", 1) for entry in text.split(b"\0") if entry
        ]
        return dict(pairs)

    def crcs(file: Path) -> dict[bytes, bytes]:
        data = _section(file, "__versions", tmp_path)
        entries = struct.iter_unpack("<8s56s", data)
        return {name.rstrip(b"\0"): crc for crc, name in entries}

    def init(file: Path) -> list[str]:
        shown = tool("readelf", "-rW", file).split(".rela.gnu.linkonce.this_module")[1]
        shown = shown.split("Relocation section")[0]
        (offset,) = re.findall(r"(?m)^0*(\w+) .* init_module \+ 0$", shown)
        (size,) = re.findall(
            r"\.gnu\.linkonce\.this_module +PROGBITS +\w+ \w+ (\w+)",
            tool("readelf", "-SW", file),
        )
        return [offset, size]

    assert modinfo(ours)[b"vermagic"] == modinfo(theirs)[b"vermagic"]
    assert modinfo(ours)[b"license"] == b"GPL"
    # CONFIG_MODVERSIONS
    assert crcs(ours).items() == {
        (name, crc) for name, crc in crcs(theirs).items() if name == b"module_layout"
    }
    assert bool(crcs(ours)) == bool(crcs(theirs))
    assert init(ours) == init(theirs)
    name = modinfo(ours)[b"name"]
    this_module = _section(ours, ".gnu.linkonce.this_module", tmp_path)
    assert this_module.strip(b"\0") == name.split(b"\0")[0]


@pytest.mark.parametrize("size", [4, 8])
def test_crc_of_old_and_new_tables(kernel: Kernel, size: int) -> None:
    entry = kernel.struct("kernel_symbol", value=kernel.ulong, name=kernel.pointer)
    table, crcs = 0x10000, 0x20000
    finder = symbol_finder(
        __start___ksymtab=table,
        __stop___ksymtab=table + 3 * sizeof(entry),
        __ksymtab_module_layout=table + 2 * sizeof(entry),
        __start___kcrctab=crcs,
        __stop___kcrctab=crcs + 3 * size,
    )
    kernel.prog.register_symbol_finder("mock", finder, enable_index=0)
    values = (0x11111111, 0x22222222, 0x89ABCDEF)
    kernel.memory(crcs, b"".join(value.to_bytes(size, "little") for value in values))
    assert _kmodify_module._crc(kernel.prog, "module_layout") == 0x89ABCDEF


# Arguments.


@pytest.fixture
def never(live: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A kernel that can be modified, as far as is known before a module is loaded."""

    def load(image: bytes) -> None:
        pytest.fail("a module was loaded")

    monkeypatch.setattr(_kmodify_load, "check", lambda prog: None)
    monkeypatch.setattr(_kmodify_load, "load", load)
    return live


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (("no_such_function",), LookupError, "no_such_function"),
        ((5,), TypeError, "function must be str or Object, not 'int'"),
        (("kstrtoint", "1", 10), TypeError, "kstrtoint takes 3 arguments, not 2"),
        (("schedule", 1), TypeError, "schedule takes 0 arguments, not 1"),
        (("panic",), TypeError, "panic takes at least 1 arguments, not 0"),
        (("kfree", 0), TypeError, "cannot convert 'int' to incompatible type"),
        (("kfree", {}), TypeError, "argument must be Object, .* not 'dict'"),
        (("kstrtoint", "1", 10, pass_pointer("x")), TypeError, "incompatible type"),
        (("kstrtoint", "1", 10, pass_pointer([1])), TypeError, "must be number"),
        (("kstrtoint", "1", "10", pass_pointer(0)), TypeError, "incompatible type"),
        (("panic", "%f", 1.5), NotImplementedError, "cannot pass 'double' by value"),
    ],
)
def test_wrong_calls(
    never: Program, call: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        call_function(never, *call)
    with pytest.raises(error, match=text):
        call_functions(never, [("schedule",), call])


def test_wrong_objects(never: Program, mock: Program) -> None:
    init_task = never["init_task"]
    with pytest.raises(TypeError, match="'int' is not a function"):
        call_function(never, init_task.prio)
    with pytest.raises(NotImplementedError, match="cannot pass 'struct list_head'"):
        call_function(never, "panic", "%p", init_task.tasks)
    inlined = Object(never, never["schedule"].type_)
    with pytest.raises(ObjectAbsentError, match="inlined"):
        call_function(never, inlined)
    elsewhere = Object(never, never["schedule"].type_, address=0x1000)
    with pytest.raises(ValueError, match="0x1000 is not in the kernel's text"):
        call_function(never, elsewhere)
    other = Object(mock, mock.int_type("int", 4, True), 1)
    with pytest.raises(ValueError, match="different program"):
        call_function(never, "panic", "%d", other)


def test_nothing_to_do(never: Program) -> None:
    call_functions(never, [])
    write_memory(never, FUNCTION, b"")
    with pytest.raises(ValueError, match="sequence of a function and its arguments"):
        call_functions(never, [()])


@pytest.mark.parametrize("address", [0, 0x10, 0x7FFFFFFFFFFF, 1 << 63, (1 << 64) - 1])
def test_addresses_that_are_not_the_kernels(never: Program, address: int) -> None:
    with pytest.raises(FaultError, match="could not write to memory") as caught:
        write_memory(never, address, b"xy")
    assert caught.value.address == address


@pytest.mark.parametrize("address", [-1, 1 << 64])
def test_no_addresses(never: Program, address: int) -> None:
    with pytest.raises(OverflowError, match="address must be"):
        write_memory(never, address, b"x")


def test_no_bytes(never: Program) -> None:
    with pytest.raises(TypeError, match="bytes-like"):
        write_memory(never, FUNCTION, "text")  # type: ignore[arg-type]


def test_objects_that_cannot_be_written(never: Program) -> None:
    int_type = never.type("int")
    with pytest.raises(ValueError, match="cannot write to value object"):
        write_object(Object(never, int_type, 1), 1)
    at = Object(never, int_type, address=FUNCTION)
    with pytest.raises(TypeError, match="'int' value must be number"):
        write_object(at, "a")
    with pytest.raises(TypeError, match="object is not a pointer"):
        write_object(at, 1, dereference=True)
    pointer = Object(never, never.pointer_type(int_type), FUNCTION)
    with pytest.raises(TypeError, match="dereference=True.*dereference=False"):
        write_object(pointer, 1)
    with pytest.raises(ValueError, match="cannot write to value object"):
        write_object(pointer, 1, dereference=False)
    with pytest.raises(FaultError):
        write_object(Object(never, pointer.type_, 16), 1, dereference=True)


@pytest.mark.parametrize(("offset", "size"), [(0, 3), (1, 3), (4, 8), (0, 9)])
def test_bit_fields_that_cannot_be_written(
    never: Program, offset: int, size: int
) -> None:
    field = Object(
        never, "int", address=FUNCTION, bit_offset=offset, bit_field_size=size
    )
    with pytest.raises(NotImplementedError, match="byte-aligned or 1-bit"):
        write_object(field, 1)


def test_repr() -> None:
    assert repr(pass_pointer(5)) == "pass_pointer(5)"


def test_load_asks_the_kernel() -> None:
    # Whether we may or not: it takes no such module.
    with pytest.raises(OSError, match="cannot load a kernel module") as caught:
        _kmodify_load.load(b"no module")
    refused = (errno.EPERM, errno.ENOEXEC, errno.ENOSYS)
    assert caught.value.errno in refused
