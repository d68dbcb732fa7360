"""Memory of a kernel that is where it is whatever its page tables say.

Linux maps its image, and all of physical memory (the direct map), in order. That tells
where such memory is in dumps that lack page tables: those which are cut short do, as
Linux makes the tables of the direct map at the end of memory.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from ..errors import FaultError
from ..memory.paging import Linear

if TYPE_CHECKING:
    from ..program import Program


class LinearMap:
    """The ranges of a program's kernel; those that it does not know yet are left out.

    ``image_offset``: how much greater virtual addresses of the image are than physical
    ones.
    """

    __slots__ = ("_busy", "_image_offset", "_known", "_prog")

    def __init__(self, prog: Program, image_offset: int) -> None:
        self._prog = prog
        self._image_offset = image_offset
        self._known: list[Linear] = []
        self._busy = False

    def __call__(self) -> list[Linear]:
        # To learn where they are takes memory of the image.
        if len(self._known) < 2 and not self._busy:
            self._busy = True
            try:
                self._known = []
                self._add_image()
                self._add_direct_map()
            except (FaultError, LookupError, TypeError):
                pass
            finally:
                self._busy = False
        return self._known

    def _add_image(self) -> None:
        ranges = self._prog.main_module().address_ranges
        if not ranges:
            raise LookupError("not known yet")
        start, end = ranges[0]
        self._known.append(Linear(start, end, start - self._image_offset))

    def _add_direct_map(self) -> None:
        prog = self._prog
        # Since 4.8 (021182e52fe0), unless it is a constant.
        start = operator.index(prog["page_offset_base"])
        size = operator.index(prog["max_pfn"]) << operator.index(prog["PAGE_SHIFT"])
        self._known.append(Linear(start, start + size, 0))
