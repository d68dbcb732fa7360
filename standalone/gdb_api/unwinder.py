"""``gdb.unwinder``: unwinders of scripts, which are kept but not asked."""

from __future__ import annotations

from typing import Any

from .session import current


class Unwinder:
    """An unwinder: its name, and whether it is on."""

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"incorrect type for name: {type(name)}")
        self.name, self.enabled = name, True

    def __call__(self, pending_frame: Any) -> Any:
        raise NotImplementedError("Unwinder __call__.")


def register_unwinder(locus: Any, unwinder: Any, replace: bool = False) -> None:
    """Keep an unwinder of an objfile, a program space, or of all (None)."""
    place = current().progspace() if locus is None else locus
    for index, each in enumerate(place.frame_unwinders):
        if each.name == unwinder.name:
            if not replace:
                raise RuntimeError(f"Unwinder {unwinder.name} already exists.")
            del place.frame_unwinders[index]
            break
    place.frame_unwinders.insert(0, unwinder)


__all__ = ("Unwinder", "register_unwinder")
