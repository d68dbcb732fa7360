"""What the tests of debug information share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drgn import Architecture, Platform, PlatformFlags, Program
from drgn.engine.elf.file import ElfFile, open_elf

DebugProgram = Callable[..., Program]


@pytest.fixture(scope="session")
def debug_program() -> DebugProgram:
    """``debug_program(image_or_path, *more)`` -> a Program with their debug info.

    It has no memory; addresses are those of the files.
    """

    def debug_program(*files: bytes | Path, supplementary: bytes = b"") -> Program:
        elves = [
            ElfFile.from_bytes(file, "image")
            if isinstance(file, bytes)
            else open_elf(file)
            for file in files
        ]
        flags = PlatformFlags(0)
        if elves[0].is_64:
            flags |= PlatformFlags.IS_64_BIT
        if elves[0].little_endian:
            flags |= PlatformFlags.IS_LITTLE_ENDIAN
        prog = Program(Platform(Architecture.UNKNOWN, flags))
        for i, elf in enumerate(elves):
            module = prog.extra_module("module", i, create=True)
            module = module[0] if isinstance(module, tuple) else module
            module._debug_file = elf
            if supplementary:
                module._supplementary_file = ElfFile.from_bytes(supplementary, "alt")
            prog._debug.add(module)
        return prog

    return debug_program
