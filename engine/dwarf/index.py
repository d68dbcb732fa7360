"""The index of a file's debug information: names and addresses to DIEs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .file import DwarfFile


class Index:
    """Sorted columns, in memory or mapped from the cache."""

    units: Sequence[int]

    def find(
        self, file: DwarfFile, name: str, tags: frozenset[int], *, declarations: bool
    ) -> Iterator[int]:
        raise NotImplementedError

    def unit_for_pc(self, file_pc: int) -> int | None:
        raise NotImplementedError

    def function_at(self, file_pc: int) -> int | None:
        raise NotImplementedError


def load_index(file: DwarfFile) -> Index:
    """The index of a file, from the cache if it is there."""
    raise NotImplementedError
