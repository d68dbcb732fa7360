"""
ELF files
---------

ELF files: their sections and segments, and where they were linked to be.
"""

from __future__ import annotations

from drgn.engine.elf.file import ElfFile, open_elf
from drgn.engine.modules.placement import file_range

__all__ = ("ElfFile", "file_range", "open_elf")
