"""Types and variables of random programs are to us what they are to upstream."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from oracle.random_declarations import Declarations

SCRIPT = Path(__file__).with_name("show_program.py")


@pytest.mark.parametrize(
    ("seed", "compiler", "flags"),
    [
        (1, "gcc", ("-g",)),
        (2, "gcc", ("-gdwarf-4", "-fdebug-types-section", "-O2")),
        (3, "gcc", ("-gdwarf-2", "-gstrict-dwarf")),
        (4, "clang", ("-g",)),
    ],
)
def test_same_text(
    seed: int, compiler: str, flags: tuple[str, ...], oracle: Path, compile_c
) -> None:
    declarations = Declarations(seed, 20)
    program = compile_c(declarations.source, *flags, "-w", compiler=compiler)
    texts = [
        subprocess.run(
            [python, SCRIPT, program, *declarations.types, "--", *declarations.names],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        for python in (oracle.with_name("python"), sys.executable)
    ]
    assert len(texts[0]) > 1000
    assert texts[1] == texts[0]
