"""Taking a file as a module's loaded, debug or supplementary file."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from .. import log
from ..elf import constants as elf
from ..elf.file import ElfFile
from ..errors import BadDataError
from ..files import map_file, open_file
from .file_status import (
    ModuleFileStatus,
    SupplementaryFileKind,
    WantedSupplementaryFile,
)
from .placement import file_range

if TYPE_CHECKING:
    from collections.abc import Callable

    from .module import Module

_MASK = 2**64 - 1


def build_id_text(module: Module) -> str:
    """How log messages name a module's build ID."""
    if module._build_id is None:
        return "no build ID"
    return f"build ID {module._build_id.hex()}"


def wanted_text(module: Module) -> str:
    """How log messages name the files that a module wants."""
    wanted = []
    if module.wants_loaded_file():
        wanted.append("loaded")
    if module._debug_file_status is ModuleFileStatus.WANT_SUPPLEMENTARY:
        wanted.append("supplementary debug")
    elif module.wants_debug_file():
        wanted.append("debug")
    return " and ".join(wanted) + (" files" if len(wanted) > 1 else " file")


def wants_files(module: Module) -> bool:
    """Whether a module wants any file."""
    return module.wants_loaded_file() or module.wants_debug_file()


def try_provided_file(module: Module, path: str, fd: int, force: bool) -> None:
    """Take the file that the user gave if it is wanted and belongs to a module."""
    if not wants_files(module):
        log.debug("%s: ignoring unwanted file %s", module._name, path)
        _close(fd)
        return
    log.debug(
        "%s (%s): trying provided file as %s",
        module._name,
        build_id_text(module),
        wanted_text(module),
    )
    try_path(module, path, fd=fd, force=force)


def open_candidate(path: str, fd: int = -1) -> ElfFile | None:
    """Open a file that may be of use; None, and a debug message, if it is not.

    ``fd`` is the file if it is open already; it is closed.
    """
    opened = fd < 0
    try:
        real = os.path.realpath(path if opened else f"/proc/self/fd/{fd}")
        if opened:
            fd = open_file(path)
        elif not os.path.exists(real):  # Deleted, or not a file.
            real = os.path.abspath(path)
        if real != path:
            log.debug("canonical path is %s", real)
        return ElfFile(map_elf(fd, real), real)
    except OSError as error:
        log.debug("%s: %s", path, error.strerror)
    except BadDataError as error:
        log.debug("%s", error)
    finally:
        _close(fd)
    return None


def _close(fd: int) -> None:
    if fd >= 0:
        # The caller's may be none.
        with contextlib.suppress(OSError):
            os.close(fd)


def map_elf(fd: int, path: str) -> memoryview:
    """The contents of an open file, inflated if it is a compressed one.

    Raises OSError, or BadDataError if it cannot be inflated.
    """
    data = map_file(fd, path)
    if data[:4] == elf.ELFMAG:
        return data
    from .compressed import inflated

    return inflated(data, path)


def try_path(
    module: Module,
    path: str,
    *,
    fd: int = -1,
    force: bool = False,
    without_id: bool = False,
    check: Callable[[ElfFile], bool] | None = None,
) -> bool:
    """Take a file if it is wanted and belongs to a module; whether it was taken.

    It belongs if the build IDs are the same, or if it has none and may be
    ``without_id``, since its path tells to what it belongs. ``check`` has the last
    word.
    """
    if fd < 0 and not os.path.lexists(path):
        log.debug("%s: No such file or directory", path)
        return False
    suffix = f" with fd {fd}" if fd >= 0 else ""
    log.debug("%s: trying %s%s", module._name, path, suffix)
    file = open_candidate(path, fd)
    if file is None:
        return False
    force = force or (without_id and file.build_id is None)
    return try_elf(module, file, force=force, check=check)


def try_elf(
    module: Module,
    file: ElfFile,
    *,
    force: bool = False,
    check: Callable[[ElfFile], bool] | None = None,
) -> bool:
    """`try_path()` of a file that is open."""
    try:
        if _is_wanted_supplementary(module, file):
            _use_supplementary(module, file)
            return True
        if not force_or_matches(module, file, force):
            return False
        if check is not None and not check(file):
            return False
        return _adopt(module, file)
    except BadDataError as error:
        log.debug("%s", error)
        return False


def force_or_matches(module: Module, file: ElfFile, force: bool) -> bool:
    """Whether the build IDs of a module and a file agree, or need not."""
    if module._build_id is None:
        return True
    forcing = "; forcing" if force else ""
    if file.build_id is None:
        log.debug("%s: %s is missing build ID%s", module._name, file.path, forcing)
        return force
    if file.build_id == module._build_id:
        log.debug("%s: %s build ID matches", module._name, file.path)
        return True
    log.debug("%s: %s build ID does not match%s", module._name, file.path, forcing)
    return force


# Supplementary files.


def _is_wanted_supplementary(module: Module, file: ElfFile) -> bool:
    if module._pending is None:
        return False
    if file.supplementary_id != module._pending[2].checksum:
        return False
    log.debug("%s: %s build ID matches gnu_debugaltlink", module._name, file.path)
    return file.has_dwarf


def _use_supplementary(module: Module, supplementary: ElfFile) -> None:
    assert module._pending is not None
    file, bias, _ = module._pending
    log.info(
        "%s: using debug info file %s with supplementary file %s",
        module._name,
        file.path,
        supplementary.path,
    )
    module._supplementary_file = supplementary
    _describe(module, file, bias)
    if _set_debug_file(module, file, bias):
        module.prog._debug_info_changed()


# Loaded and debug files.


def _adopt(module: Module, file: ElfFile) -> bool:
    """Take a file that belongs to a module for what it is good for."""
    use_loaded = module.wants_loaded_file() and is_loadable(file)
    has_debug = module.wants_debug_file() and file.has_dwarf
    if not use_loaded and not has_debug:
        log.debug("%s %s; ignoring", file.path, _why_useless(module, file))
        return False
    wait = has_debug and file.debugaltlink is not None
    use_debug = has_debug and not wait
    bias = module._bias_of(file)
    if bias is None:
        return False
    if wait and not _wait_for_supplementary(module, file, bias) and not use_loaded:
        return False
    if use_loaded and use_debug:
        what = "loadable file with debug info"
    else:
        what = "loadable file" if use_loaded else "debug info file"
    if use_loaded or use_debug:
        log.info("%s: using %s %s", module._name, what, file.path)
        _describe(module, file, bias)
    if use_loaded:
        module._loaded_file = file
        module._loaded_file_bias = bias
        module._loaded_file_status = ModuleFileStatus.HAVE
        module._symbols = None
        if module._debug_file is None:
            module._placement = module._placement_of(file)
    if use_debug:
        use_debug = _set_debug_file(module, file, bias)
    if use_loaded or use_debug:
        module.prog._debug_info_changed()
    return use_loaded or use_debug or wait


def _why_useless(module: Module, file: ElfFile) -> str:
    if is_loadable(file) and not module.wants_loaded_file():
        return "is loadable, but don't want loaded file"
    if file.has_dwarf:
        return "has debug info, but don't want debug info"
    kind = "" if is_loadable(file) else "is not loadable and "
    return f"{kind}has no debug info"


def _wait_for_supplementary(module: Module, file: ElfFile, bias: int) -> bool:
    """Remember a debug file until its supplementary file is found."""
    altlink = file.debugaltlink
    if module._pending is not None or altlink is None:
        return False
    path, checksum = altlink
    log.debug("%s has gnu_debugaltlink %s build ID %s", file.path, path, checksum.hex())
    wanted = WantedSupplementaryFile(
        SupplementaryFileKind.GNU_DEBUGALTLINK, file.path, path, checksum
    )
    module._pending = file, bias, wanted
    module._debug_file_status = ModuleFileStatus.WANT_SUPPLEMENTARY
    return True


def _set_debug_file(module: Module, file: ElfFile, bias: int) -> bool:
    """Take a debug file; False, and a warning, if it is malformed."""
    module._debug_file = file
    try:
        module.prog._debug.add(module)
    except BadDataError as error:
        log.warning("%s; ignoring", error)
        module._debug_file = None
        return False
    module._debug_file_bias = bias
    module._debug_file_status = ModuleFileStatus.HAVE
    module._pending = None
    module._symbols = None
    module._placement = module._placement_of(file)
    return True


def is_loadable(file: ElfFile) -> bool:
    """Whether a file has the code and data that its headers tell of.

    A separate debug file has the headers of what is loaded, but no contents.
    """
    if file.type not in (elf.ET_REL, elf.ET_EXEC, elf.ET_DYN):
        return False
    for section in file.sections:
        if section.type == elf.SHT_PROGBITS and section.flags & elf.SHF_ALLOC:
            return True
    return not file.sections and bool(file.segments)


def _describe(module: Module, file: ElfFile, bias: int) -> None:
    """Tell the module and the program what a file says of them."""
    if module._build_id is None and file.build_id is not None:
        module._build_id = file.build_id
        log.debug("%s: set build ID %s from file", module._name, file.build_id.hex())
    if module._ranges is None and module._is_where_its_file_says:
        start, end = ((address + bias) & _MASK for address in file_range(file))
        if start < end:
            _set_range(module, start, end)
        else:
            log.debug("%s: address range is invalid", file.path)
    if module.prog.platform is None:
        log.debug("setting program platform from %s", file.path)
        module.prog._set_platform(file.platform())


def _set_range(module: Module, start: int, end: int) -> None:
    """Place a module unless another one is there."""
    try:
        module.address_range = start, end
    except ValueError as error:
        log.debug("%s: couldn't set address range: %s", module._name, error)
    else:
        log.debug("%s: set address range %#x-%#x from file", module._name, start, end)
