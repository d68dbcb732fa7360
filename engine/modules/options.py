"""Where the standard finder looks for debugging information."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..arguments import path_argument
from ..closed import closed

if TYPE_CHECKING:
    Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]


class KmodSearchMethod(enum.Enum):
    """How to look for kernel modules.

    DEPMOD looks their paths up in ``modules.dep.bin``, which ``depmod`` wrote; WALK
    goes through the kernel directories.
    """

    NONE = 0
    DEPMOD = 1
    WALK = 2
    DEPMOD_OR_WALK = 3
    DEPMOD_AND_WALK = 4


@closed
class DebugInfoOptions:
    """Options of the standard debugging information finder.

    ``DebugInfoOptions(options, name=value, ...)`` is a copy with changes. All of
    them may be assigned; directories become tuples of str.
    """

    __slots__ = ("_values",)

    _DEFAULTS: dict[str, Any] = {  # noqa: RUF012 (never changed)
        "directories": ("/usr/lib/debug",),
        "try_module_name": True,
        "try_build_id": True,
        "debug_link_directories": ("$ORIGIN", "$ORIGIN/.debug", ""),
        "try_debug_link": True,
        "try_procfs": True,
        "try_embedded_vdso": True,
        "try_reuse": True,
        "try_supplementary": True,
        "kernel_directories": ("",),
        "try_kmod": KmodSearchMethod.DEPMOD_OR_WALK,
    }

    directories: tuple[str, ...]
    """Directories with debugging information files (no empty ones)."""
    try_module_name: bool
    """Try the name of a module if it looks like a path."""
    try_build_id: bool
    """Try ``.build-id/xx/yyyy`` and ``.build-id/xx/yyyy.debug``."""
    debug_link_directories: tuple[str, ...]
    """Directories for debug links; ``""`` is each of `directories`."""
    try_debug_link: bool
    """Try the ``.gnu_debuglink`` of the loaded file."""
    try_procfs: bool
    """Try ``/proc/PID/exe`` and ``/proc/PID/map_files`` of a local process."""
    try_embedded_vdso: bool
    """Take the vDSO from memory."""
    try_reuse: bool
    """Try the loaded file as the debug file, and the other way round."""
    try_supplementary: bool
    """Look for supplementary files."""
    kernel_directories: tuple[str, ...]
    """Directories with vmlinux and modules; ``""`` is the standard places."""
    try_kmod: KmodSearchMethod
    """How to look for kernel modules."""

    def __init__(
        self, options: DebugInfoOptions | None = None, /, **changes: Any
    ) -> None:
        if options is not None and not isinstance(options, DebugInfoOptions):
            raise TypeError("options must be DebugInfoOptions")
        values = self._DEFAULTS if options is None else options._values
        self._values: dict[str, Any] = dict(values)
        for name, value in changes.items():
            if name not in self._DEFAULTS:
                raise TypeError(
                    f"'{name}' is an invalid keyword argument for DebugInfoOptions()"
                )
            setattr(self, name, value)

    def _assign(self, options: DebugInfoOptions) -> None:
        """Take all values of other options."""
        self._values = dict(options._values)

    def _text(self) -> str:
        """The directories and what is not as by default, for messages."""
        return ", ".join(
            f"{name}={value.name if isinstance(value, enum.Enum) else repr(value)}"
            for name, value in self._values.items()
            if name == "directories" or value != self._DEFAULTS[name]
        )

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self._values.items())
        return f"DebugInfoOptions({values})"


def _add_option(name: str, default: Any) -> None:
    def get(self: DebugInfoOptions) -> Any:
        return self._values[name]

    def set_(self: DebugInfoOptions, value: Any) -> None:
        self._values[name] = check(value)

    def delete(self: DebugInfoOptions) -> None:
        raise AttributeError(f"can't delete '{name}' attribute")

    if isinstance(default, bool):
        check: Any = bool
    elif isinstance(default, tuple):
        check = _directories if name == "directories" else _paths
    else:
        check = _kmod_search_method
    setattr(DebugInfoOptions, name, property(get, set_, delete))


def _paths(value: Iterable[Path]) -> tuple[str, ...]:
    return tuple(path_argument(path) for path in value)


def _directories(value: Iterable[Path]) -> tuple[str, ...]:
    paths = _paths(value)
    if "" in paths:
        raise ValueError("string cannot be empty")
    return paths


def _kmod_search_method(value: Any) -> KmodSearchMethod:
    if not isinstance(value, KmodSearchMethod):
        raise TypeError("try_kmod must be KmodSearchMethod")
    return value


for _name, _default in DebugInfoOptions._DEFAULTS.items():
    _add_option(_name, _default)
