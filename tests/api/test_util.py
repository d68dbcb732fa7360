"""`_drgn_util`, upstream's package of tools, which scripts import from."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from enum import IntEnum
from pathlib import Path

import pytest
from _drgn_util import elf
from _drgn_util.platform import NORMALIZED_MACHINE_NAME, normalized
from _drgn_util.typingutils import (
    copy_func_params,
    copy_func_signature,
    copy_method_params,
)

ENUMS = (
    elf.ET,
    elf.PT,
    elf.SHT,
    elf.SHF,
    elf.SHN,
    elf.STB,
    elf.STT,
    elf.STV,
    elf.NT,
)

# Prints each of the names that the C library's header has, with its number.
PROGRAM = """
#include <elf.h>
#include <stdio.h>
int main(void) {
%s
}
"""


@pytest.fixture(scope="module")
def header(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """What <elf.h> says of the names of our enumerations."""
    names = [f"{enum.__name__}_{name}" for enum in ENUMS for name in enum.__members__]
    lines = [
        f'#ifdef {name}\nprintf("{name} %u\\n", (unsigned){name});\n#endif'
        for name in names
    ]
    directory = tmp_path_factory.mktemp("elf")
    source = directory / "names.c"
    source.write_text(PROGRAM % "\n".join(lines))
    subprocess.run(["gcc", "-o", directory / "names", source], check=True)
    output = subprocess.run(
        [directory / "names"], capture_output=True, text=True, check=True
    ).stdout
    return {name: int(number) for name, number in re.findall(r"(\S+) (\d+)", output)}


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
def test_constants_are_those_of_the_header(
    header: dict[str, int], enum: type[IntEnum]
) -> None:
    ours = {f"{enum.__name__}_{k}": int(v) for k, v in enum.__members__.items()}
    known = {name: number for name, number in ours.items() if name in header}
    assert len(known) > 0.8 * len(ours)
    assert known == {name: header[name] for name in known}


def test_auxiliary_vector() -> None:
    """What the kernel gave to this process."""
    words = memoryview(Path("/proc/self/auxv").read_bytes()).cast("N")
    vector = dict(zip(words[::2], words[1::2], strict=True))
    assert vector[elf.AT.PAGESZ] in (4096, 16384, 65536)
    assert vector[elf.AT.PHENT] == 56
    assert elf.AT.ENTRY in vector
    assert elf.AT.SYSINFO_EHDR in vector


def test_flags_are_combined() -> None:
    assert elf.SHF(6) == elf.SHF.ALLOC | elf.SHF.EXECINSTR
    assert isinstance(elf.SHF.WRITE | elf.SHF.TLS, elf.SHF)


def test_decorators_leave_functions_as_they_are() -> None:
    def source(a: int, b: str = "") -> bool:
        return bool(a)

    def function(*args: object) -> int:
        return len(args)

    assert copy_func_signature(source)(function) is function
    assert copy_func_params(source)(function) is function
    assert copy_method_params(source)(function) is function


def test_hooks_of_plugins_are_called(tmp_path: Path) -> None:
    """A program may have hooks of its own, which plugins name."""
    (tmp_path / "first.py").write_text(
        "def my_hook(*args): print('first', *args)\nmy_hook.drgn_priority = 60\n"
    )
    (tmp_path / "second.py").write_text("def my_hook(*args): print('second', *args)\n")
    output = subprocess.run(
        [
            sys.executable,
            "-c",
            "from _drgn_util.plugins import call_plugins\n"
            "print(call_plugins('my_hook', 1, 'x'), call_plugins('no_hook'))",
        ],
        env={
            "DRGN_PLUGINS": f"a={tmp_path}/first.py,b={tmp_path}/second.py",
            "PATH": "/usr/bin",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert output.stdout == "second 1 x\nfirst 1 x\nNone None\n"
    assert output.stderr == ""


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        ("x86_64", "x86_64"),
        ("i686", "i386"),
        ("aarch64", "aarch64"),
        ("arm64", "aarch64"),
        ("armv7l", "arm"),
        ("ppc64le", "ppc64"),
        ("ppc64", "ppc64"),
        ("s390x", "s390x"),
        ("riscv64", "riscv64"),
    ],
)
def test_machine(machine: str, name: str) -> None:
    assert normalized(machine) == name


def test_own_machine() -> None:
    assert normalized(os.uname().machine) == NORMALIZED_MACHINE_NAME
