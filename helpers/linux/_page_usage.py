"""What helpers say of memory of which some is free."""

from __future__ import annotations

from typing import NamedTuple


class PageUsage(NamedTuple):
    """Usage of memory, in pages."""

    pages: int
    """All pages."""
    free_pages: int
    """Free pages."""

    @property
    def used_pages(self) -> int:
        """Pages in use."""
        return self.pages - self.free_pages
