"""Where the standard finder looks for debugging information."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self, TypeVar, overload

from ..arguments import path_argument
from ..closed import ApiClass, closed

if TYPE_CHECKING:
    from ..arguments import Path

Given = TypeVar("Given")
Kept = TypeVar("Kept")


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


def _paths(value: Iterable[Path]) -> tuple[str, ...]:
    return tuple(path_argument(path) for path in value)


def _directories(value: Iterable[Path]) -> tuple[str, ...]:
    paths = _paths(value)
    if "" in paths:
        raise ValueError("string cannot be empty")
    return paths


def _kmod_search_method(value: object) -> KmodSearchMethod:
    if not isinstance(value, KmodSearchMethod):
        raise TypeError("try_kmod must be KmodSearchMethod")
    return value


class _Option(Generic[Given, Kept]):
    """An option as a property: it has a default, and is checked where it is set."""

    def __init__(self, default: Any, check: Callable[[Given], Kept], doc: str) -> None:
        self.default = check(default)
        self.check = check
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, options: None, owner: type) -> Self: ...
    @overload
    def __get__(self, options: DebugInfoOptions, owner: type) -> Kept: ...
    def __get__(self, options: DebugInfoOptions | None, owner: type) -> Self | Kept:
        if options is None:
            return self
        value: Kept = options._values[self.name]
        return value

    def __set__(self, options: DebugInfoOptions, value: Given) -> None:
        options._values[self.name] = self.check(value)

    def __delete__(self, options: DebugInfoOptions) -> NoReturn:
        raise AttributeError(f"can't delete '{self.name}' attribute")


@closed
class DebugInfoOptions(metaclass=ApiClass):
    """Options of the standard debugging information finder.

    ``DebugInfoOptions(options, name=value, ...)`` is a copy with changes. All of
    them may be assigned; directories become tuples of str.
    """

    __slots__ = ("_values",)

    directories = _Option(
        ("/usr/lib/debug",),
        _directories,
        "Directories with debugging information files (no empty ones).",
    )
    try_module_name = _Option(
        True, bool, "Try the name of a module if it looks like a path."
    )
    try_build_id = _Option(
        True, bool, "Try ``.build-id/xx/yyyy`` and ``.build-id/xx/yyyy.debug``."
    )
    debug_link_directories = _Option(
        ("$ORIGIN", "$ORIGIN/.debug", ""),
        _paths,
        'Directories for debug links; ``""`` is each of `directories`.',
    )
    try_debug_link = _Option(
        True, bool, "Try the ``.gnu_debuglink`` of the loaded file."
    )
    try_procfs = _Option(
        True,
        bool,
        "Try ``/proc/PID/exe`` and ``/proc/PID/map_files`` of a local process.",
    )
    try_embedded_vdso = _Option(True, bool, "Take the vDSO from memory.")
    try_reuse = _Option(
        True, bool, "Try the loaded file as the debug file, and the other way round."
    )
    try_supplementary = _Option(True, bool, "Look for supplementary files.")
    kernel_directories = _Option(
        ("",),
        _paths,
        'Directories with vmlinux and modules; ``""`` is the standard places.',
    )
    try_kmod = _Option(
        KmodSearchMethod.DEPMOD_OR_WALK,
        _kmod_search_method,
        "How to look for kernel modules.",
    )

    def __init__(
        self, options: DebugInfoOptions | None = None, /, **changes: Any
    ) -> None:
        if options is not None and not isinstance(options, DebugInfoOptions):
            raise TypeError("options must be DebugInfoOptions")
        values = _DEFAULTS if options is None else options._values
        self._values: dict[str, Any] = dict(values)
        for name, value in changes.items():
            if name not in _DEFAULTS:
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
            if name == "directories" or value != _DEFAULTS[name]
        )

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self._values.items())
        return f"DebugInfoOptions({values})"


_DEFAULTS: dict[str, Any] = {
    name: option.default
    for name, option in vars(DebugInfoOptions).items()
    if isinstance(option, _Option)
}
