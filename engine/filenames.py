"""Matching the names of source files."""

from __future__ import annotations

from .arguments import path_argument


def _components(path: str) -> list[str]:
    """The normalised components of a path, the root of an absolute one as ``/``."""
    parts: list[str] = ["/"] if path.startswith("/") else []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == ".." and parts and parts[-1] != "..":
            if parts[-1] != "/":
                parts.pop()
        else:
            parts.append(part)
    return parts


def filename_matches(haystack: str | None, needle: str | None) -> bool:
    """Whether the file ``haystack`` is one that a search for ``needle`` means.

    The last components of the path are compared, so that ``"sched/core.c"``
    matches ``"/usr/src/linux/kernel/sched/core.c"``. An empty or None ``needle``
    matches everything. Raises ValueError for names with a null byte.
    """
    haystack = None if haystack is None else path_argument(haystack)
    wanted = [] if needle is None else _components(path_argument(needle))
    if not wanted:
        return True
    return haystack is not None and _components(haystack)[-len(wanted) :] == wanted
