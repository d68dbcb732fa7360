"""What the command line says of files that it cannot use: one line, and status 1."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from bad_input.conftest import Drgn, Files, vmcoreinfo
from dump_builders import PAGE, Load, elf_core, flattened, kdump, note, prstatus

CompileC = Callable[..., Path]


class Bad(NamedTuple):
    """A file that is no dump: how to make it, and what is wrong with it."""

    make: Callable[[Path], object]
    message: str


def _write(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


_NOT_A_CORE = "error: not an ELF core file: {}"
_KDUMP = kdump({1: b"a" * PAGE}, notes=prstatus(1))
_CORE = elf_core([Load(0x1000, b"a" * PAGE)], prstatus(1))
_QEMU_NOTE = note(b"QEMU", 0, bytes(440))
_BAD = {
    "directory": Bad(Path.mkdir, "[Errno 21] Is a directory: '{}'"),
    "nothing": Bad(lambda path: None, "[Errno 2] No such file or directory: '{}'"),
    "empty": Bad(Path.touch, _NOT_A_CORE),
    "text": Bad(_write(b"KDUMP, but not really\n"), _NOT_A_CORE),
    "magic": Bad(_write(b"\x7fELF"), _NOT_A_CORE),
    "FIFO": Bad(os.mkfifo, _NOT_A_CORE),
    "endless": Bad(lambda path: path.symlink_to("/dev/zero"), _NOT_A_CORE),
    "loop": Bad(
        lambda path: path.symlink_to(path),
        "[Errno 40] Too many levels of symbolic links: '{}'",
    ),
    "executable": Bad(lambda path: shutil.copy("/bin/true", path), _NOT_A_CORE),
    "ELF class": Bad(
        _write(_CORE[:4] + b"\7" + _CORE[5:]), _NOT_A_CORE
    ),
    "ELF byte order": Bad(
        _write(_CORE[:5] + b"\7" + _CORE[6:]), "error: {}: invalid ELF byte order 7"
    ),
    "program headers": Bad(
        _write(_CORE[:100]), "error: {}: program headers are truncated"
    ),
    "kdump header": Bad(
        _write(_KDUMP[:300]), "error: {}: header of kdump file is truncated"
    ),
    "kdump sub header": Bad(
        _write(_KDUMP[:4100]), "error: {}: header of kdump file is truncated"
    ),
    "kdump bitmap": Bad(
        _write(_KDUMP[:9000]), "error: {}: bitmap of kdump file is truncated"
    ),
    "flattened header": Bad(
        _write(flattened(_KDUMP)[:99]),
        "error: {}: header of flattened dump is truncated",
    ),
    "flattened type": Bad(
        _write(b"makedumpfile".ljust(4096, b"\0")),
        "error: {}: unknown flattened format type 0 version 0",
    ),
    "no VMCOREINFO": Bad(
        _write(kdump({}, version=2)), "error: {}: dump has no VMCOREINFO"
    ),
    "QEMU dump without VMCOREINFO": Bad(
        _write(elf_core([], _QEMU_NOTE)),
        "error: {}: unrecognized QEMU memory dump; for Linux guests, run QEMU with"
        " '-device vmcoreinfo'",
    ),
    "VMCOREINFO": Bad(
        _write(elf_core([], note(b"VMCOREINFO", 0, b"PAGESIZE=4096\n"))),
        "error: {}: VMCOREINFO does not contain valid OSRELEASE",
    ),
    "numbers of VMCOREINFO": Bad(
        _write(kdump({}, vmcoreinfo=vmcoreinfo(b"").replace(b"=0", b"=zero"))),
        "error: {}: number in VMCOREINFO is invalid",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", _BAD)
def test_core_dump(kind: str, drgn: Drgn, tmp_path: Path) -> None:
    path = tmp_path / "dump"
    _BAD[kind].make(path)
    result = drgn("-c", path, "-e", "print('opened')")
    assert result.stdout == ""
    assert result.stderr.startswith(_BAD[kind].message.format(path))
    assert result.stderr.count("\n") == 1
    assert result.returncode == 1


def test_no_permission(drgn: Drgn, tmp_path: Path) -> None:
    core, text = tmp_path / "core", tmp_path / "text"
    core.write_bytes(_CORE)
    text.write_text("print(prog.flags)\n")
    text.chmod(0)
    core.chmod(0)
    result = drgn("-c", core, "-e", "1")
    denied = f"[Errno 13] Permission denied: '{core}'\n"
    assert (result.stderr, result.returncode) == (denied, 1)

    core.chmod(0o644)
    result = drgn("-c", core, "-s", text, "-e", "print(1)")
    assert f"warning: {text}: Permission denied; ignoring" in result.stderr.splitlines()
    assert (result.stdout, result.returncode) == ("1\n", 0)
    result = drgn("-q", "-c", core, text)
    denied = f"[Errno 13] Permission denied: '{text}'\n"
    assert (result.stderr, result.returncode) == (denied, 1)


_BAD_SYMBOLS = {
    "directory": Bad(Path.mkdir, "{}: Is a directory; ignoring"),
    "nothing": Bad(lambda path: None, "{}: No such file or directory; ignoring"),
    "empty": Bad(Path.touch, "{}: not an ELF file; ignoring"),
    "text": Bad(_write(b"text" * 99), "{}: not an ELF file; ignoring"),
    "FIFO": Bad(os.mkfifo, "{}: not an ELF file; ignoring"),
    "header": Bad(_write(_CORE[:40]), "{}: ELF header is truncated; ignoring"),
    "core dump": Bad(_write(_CORE), "{}: no build ID; ignoring"),
    "gzip": Bad(
        _write(gzip.compress(_CORE)[:-9]),
        "{}: compressed file is truncated; ignoring",
    ),
}


@pytest.mark.parametrize("kind", _BAD_SYMBOLS)
def test_symbols(
    kind: str, drgn: Drgn, kernels: dict[str, Files], tmp_path: Path
) -> None:
    path = tmp_path / "symbols"
    _BAD_SYMBOLS[kind].make(path)
    result = drgn("-c", kernels["vmcore"].dump, "-s", path, "-e", "print(1)")
    told = [line for line in result.stderr.splitlines() if str(path) in line]
    assert told == ["warning: " + _BAD_SYMBOLS[kind].message.format(path)]
    assert "Traceback" not in result.stderr
    assert (result.stdout, result.returncode) == ("1\n", 0)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("nothing", "No such file or directory"),
        ("text", "no debugging symbols in it"),
        ("FIFO", "no debugging symbols in it"),
    ],
)
def test_extra_symbols(
    kind: str, reason: str, drgn: Drgn, kernels: dict[str, Files], tmp_path: Path
) -> None:
    path = tmp_path / "symbols"
    _BAD_SYMBOLS[kind].make(path)
    dump, vmlinux = kernels["vmcore"]
    command = ("-c", dump, "-s", vmlinux, "--extra-symbols", path, "-e", "print(1)")
    result = drgn(*command)
    assert result.stderr == f"warning: {path}: {reason}\n"
    assert (result.stdout, result.returncode) == ("1\n", 0)


def test_endless_symbols(drgn: Drgn, kernels: dict[str, Files]) -> None:
    result = drgn("-c", kernels["vmcore"].dump, "-s", "/dev/zero", "-e", "print(1)")
    assert "warning: /dev/zero: not an ELF file; ignoring\n" in result.stderr
    assert (result.stdout, result.returncode) == ("1\n", 0)


def test_symbols_cut_short(
    drgn: Drgn, kernels: dict[str, Files], tmp_path: Path
) -> None:
    dump, vmlinux = kernels["vmcore"]
    path = tmp_path / "vmlinux"
    path.write_bytes(vmlinux.read_bytes()[:-1000])
    result = drgn("-c", dump, "-s", path, "-e", "print(1)")
    truncated = f"warning: {path}: section headers are truncated; ignoring\n"
    assert truncated in result.stderr
    assert (result.stdout, result.returncode) == ("1\n", 0)


@pytest.mark.parametrize("format", ["vmcore", "zlib"])
def test_kernel_of_another_build(
    format: str, drgn: Drgn, kernels: dict[str, Files], program: Path
) -> None:
    dump, vmlinux = kernels[format]
    code = "print(prog['flags'])"
    result = drgn("-c", dump, "-s", program, "-e", code)
    unmatched = (
        f"warning: provided file {program} did not match any loaded modules; ignoring"
    )
    assert unmatched in result.stderr.splitlines()
    assert result.stderr.endswith("could not find 'flags'\n")
    assert (result.stdout, result.returncode) == ("", 1)
    # Beside the right one it does no harm.
    result = drgn("-c", dump, "-s", program, "-s", vmlinux, "-e", code)
    assert result.stderr.splitlines() == [unmatched]
    assert result.stdout == "(const volatile word)4660\n"


def test_executable_of_another_build(
    drgn: Drgn, process: Files, compile_c: CompileC
) -> None:
    other = compile_c("int flags = 5; int main(void) { return 0; }")
    result = drgn("-c", process.dump, "-s", other, "-e", "print(prog['table'][0])")
    assert (
        f"warning: provided file {other} did not match any loaded modules; ignoring"
        in result.stderr.splitlines()
    )
    # The right one is where it was when the process died.
    assert (result.stdout, result.returncode) == ("(int [3]){ 1, 2, 3 }\n", 0)


@pytest.mark.parametrize("kind", ["core", "kdump"])
def test_rest_of_a_dump(
    kind: str, drgn: Drgn, kernels: dict[str, Files], tmp_path: Path
) -> None:
    dump, vmlinux = kernels["vmcore" if kind == "core" else "zlib"]
    path = tmp_path / "dump"
    path.write_bytes(dump.read_bytes()[:-200])
    code = (
        "print(prog.read(0x200000, 4, True))\n"
        "try: prog.read(0x203000, 4096, True)\n"
        "except FaultError as error: print(error)"
    )
    result = drgn("-c", path, "-s", vmlinux, "-e", code)
    first, second = result.stdout.splitlines()
    assert first == r"b'\x7fELF'"
    if kind == "core":
        assert f"warning: {path}: core dump is truncated: " in result.stderr
        assert second.startswith("short read from memory file: 0x203")
    else:
        assert second.endswith(f"{path} is truncated: 0x203000")
    assert result.returncode == 0


def test_script(drgn: Drgn, kernels: dict[str, Files], tmp_path: Path) -> None:
    result = drgn("-q", "-c", kernels["vmcore"].dump, tmp_path)
    assert result.stderr == f"[Errno 21] Is a directory: '{tmp_path}'\n"
    assert result.returncode == 1


def test_process_that_is_none(drgn: Drgn) -> None:
    missing = int(Path("/proc/sys/kernel/pid_max").read_text()) + 1
    result = drgn("-p", missing, "-e", "print(1)")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert f"/proc/{missing}/" in result.stderr


def test_vmcoreinfo_option(
    drgn: Drgn, kernels: dict[str, Files], tmp_path: Path
) -> None:
    dump = kernels["vmcore"].dump
    path = tmp_path / "vmcoreinfo"
    for make, message in (
        (lambda: None, f"[Errno 2] No such file or directory: '{path}'\n"),
        (
            lambda: path.write_text("OSRELEASE=6.1\n"),
            f"error: {path}: VMCOREINFO does not contain valid PAGESIZE\n",
        ),
        (
            lambda: (path.unlink(), path.symlink_to("/dev/zero")),
            f"error: {path}: VMCOREINFO does not contain valid OSRELEASE\n",
        ),
    ):
        make()
        result = drgn("-c", dump, "--vmcoreinfo", path, "-e", "print(1)")
        assert (result.stdout, result.stderr) == ("", message)
        assert result.returncode == 1
