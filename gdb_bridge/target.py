"""An inferior of GDB as a Target: its memory, threads, registers and mapped files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

import gdb

from drgn import (
    Architecture,
    FaultError,
    Platform,
    PlatformFlags,
    Program,
    ProgramFlags,
    UnsupportedOperation,
)
from drgn.target import PAGE_SIZE, Mapping, Memory, Segment, TargetThread

from .control import InferiorControl, tid_of
from .elf import linked_addresses
from .selection import selected_inferior, selected_thread

_ARCHITECTURES = {
    "i386:x86-64": Architecture.X86_64,
    "i386": Architecture.I386,
    "aarch64": Architecture.AARCH64,
    "powerpc:common64": Architecture.PPC64,
    "riscv:rv64": Architecture.RISCV64,
    "riscv:rv32": Architecture.RISCV32,
    "s390:64-bit": Architecture.S390X,
    "s390:31-bit": Architecture.S390,
    "Loongarch64": Architecture.LOONGARCH64,
}
# GDB's names of registers that DWARF calls otherwise.
_REGISTER_NAMES = {"eflags": "rflags", "fs_base": "fs.base", "gs_base": "gs.base"}

_AUXV = re.compile(r"^(\d+)\s.*?\s(0x[0-9a-f]+|\d+)(?: \".*\")?$", re.M)
_MAPPING = re.compile(
    r"^\s*0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)"
    r"(?:\s+([r-][w-][x-]\S))?[ \t]*(.*)$",
    re.M,
)
_ENTRY = re.compile(r"^\s*Entry point: 0x([0-9a-f]+)", re.M)
_SECTION = re.compile(r"^\s*0x([0-9a-f]+) - 0x([0-9a-f]+) is ", re.M)

CHUNK = 1 << 24
"""The most that GDB is asked for at once: it dies of what it cannot allocate."""

_AT_PHDR = 3
_MASK = 2**64 - 1


class InferiorTarget(InferiorControl):
    """An inferior as it is from its start, or from its exec, to its end.

    Without a process there is only what the executable file has.
    """

    debug_directories: Sequence[str] = ()
    """Where its debugging information may be, as in ``debug-file-directory``."""
    kernel_directories: Sequence[str] = ()
    """Where modules of the kernel may be."""
    loads_files = False
    """Whether it may load files, without GDB knowing of it."""
    keeps_files = False
    """Whether GDB may forget its files and read them again, and nothing is wrong."""

    def __init__(self, inferior: gdb.Inferior) -> None:
        self.inferior = inferior
        self.pid: int = inferior.pid
        self.executable: str | None = inferior.progspace.filename
        self._connection = inferior.connection if self.pid else None
        self.kind: str | None = None
        if self._connection is not None:
            self.kind = self._connection.type
        self.platform = self._platform()
        if self.kind == "native":
            self.flags = ProgramFlags.IS_LIVE | ProgramFlags.IS_LOCAL
        elif self.kind not in (None, "core"):
            self.flags = ProgramFlags.IS_LIVE
        self.fault = "could not read memory"
        if self.kind in (None, "core"):
            self.fault = "could not find memory segment"
            self.noun = "core dump" if self.kind else "program that was not started"
        else:
            self.noun = "inferior"
            self.writable = True
        self._memory: Memory | None = None
        self.running = False

    def _platform(self) -> Platform | None:
        if not self.pid and self.executable is None:
            return None  # GDB only guesses.
        name = self.inferior.architecture().name()
        arch = _ARCHITECTURES.get(name)
        if arch is None and name.startswith("arm"):
            arch = Architecture.ARM
        if arch is None:
            return None
        flags = Platform(arch).flags & ~PlatformFlags.IS_LITTLE_ENDIAN
        if "little endian" in _text(self.inferior, "show endian"):
            flags |= PlatformFlags.IS_LITTLE_ENDIAN
        return Platform(arch, flags)

    @property
    def alive(self) -> bool:
        """Whether this still is what the inferior runs."""
        inferior = self.inferior
        if not inferior.is_valid() or inferior.pid != self.pid:
            return False
        # All machines behind stubs have the same number.
        return not self.pid or inferior.connection is self._connection

    def is_current(self) -> bool:
        """Whether this is what the inferior runs, of the same executable file."""
        return self.alive and self.executable == self.inferior.progspace.filename

    def load(self, prog: Program) -> None:
        """Find what is loaded, and the debugging information of all of it.

        What has none is no error: GDB's users know of it. Raises LookupError if there
        is something else that they should know.
        """
        if self.auxv():
            modules = [module for module, _ in prog.loaded_modules()]
            prog.load_module_debug_info(*modules)
        elif self.executable is not None:
            # Its headers are not in memory: a kernel or firmware, where it is linked.
            main = prog.main_module(self.executable, create=True)
            main.try_file(self.executable)

    def attach(self, memory: Memory) -> None:
        self._memory = memory
        memory.add(InferiorSegment(self))

    def changed(self) -> None:
        """Forget the memory that was read: it may be another now."""
        if self._memory is not None:
            self._memory.invalidate()

    # Threads.

    def threads(self) -> Sequence[TargetThread]:
        if not self.alive:
            return ()
        # GDB does not keep the order of a core dump's notes.
        return [
            TargetThread(tid_of(thread), thread.name)
            for thread in sorted(self.inferior.threads(), key=tid_of)
        ]

    def thread(self, tid: int) -> TargetThread | None:
        """The thread with an ID and its registers; ValueError if it is running."""
        found = self._thread(tid)
        if found is None:
            return None
        return TargetThread(tid, found.name, values=registers_of(found))

    def main_thread(self) -> TargetThread | None:
        return self.thread(self.pid)

    def crashed_thread(self) -> TargetThread | None:
        threads = self.inferior.threads() if self.alive else ()
        if self.kind != "core" or not threads:
            return None
        # The first by the order of the notes.
        return self.thread(tid_of(min(threads, key=_number)))

    def selected_thread(self) -> int:
        """The ID of the selected thread; LookupError if it is none of this program."""
        thread = gdb.selected_thread()
        if thread is None or thread.inferior != self.inferior or not self.alive:
            raise LookupError("no thread of this program is selected in GDB")
        return tid_of(thread)

    def _thread(self, tid: int) -> gdb.InferiorThread | None:
        if self.alive:
            for thread in self.inferior.threads():
                if tid_of(thread) == tid:
                    return thread
        return None

    # What the kernel told the process.

    @cached_property
    def _auxv(self) -> dict[int, int]:
        return _parse_auxv(_text(self.inferior, "info auxv"))

    @cached_property
    def is_process(self) -> bool:
        """Whether it is one of an operating system.

        Then memory may be read that nobody asked for: there are no devices in it.
        """
        return self.kind in ("native", "core") or bool(self._auxv)

    def auxv(self) -> dict[int, int]:
        if not self.alive:
            return {}
        if self.pid and self._auxv:
            return self._auxv
        # No process, or one without a kernel: GDB knows where the executable lies.
        phdr = self._executable_headers()
        return {} if phdr is None else {_AT_PHDR: phdr}

    def mappings(self) -> Sequence[Mapping]:
        maps = [
            Mapping(start, end, offset, path)
            for start, end, offset, _, path in self._maps()
            if path.startswith("/")
        ]
        if not maps and self.executable is not None:
            phdr = self._executable_headers()
            if phdr is not None:
                return [Mapping(phdr, phdr + 1, 0, self.executable)]
        return maps

    def _executable_headers(self) -> int | None:
        """The address of the executable's program headers; None without one."""
        if self.executable is None:
            return None
        linked = linked_addresses(self.executable)
        entry = _ENTRY.search(_text(self.inferior, "info files"))
        if linked is None or entry is None:
            return None
        # After its end a program stays where it was, for GDB.
        return (linked.headers + int(entry[1], 16) - linked.entry) & _MASK

    def _maps(self) -> list[tuple[int, int, int, str | None, str]]:
        """(start, end, file offset, permissions if known, path) of each mapping."""
        text = _text(self.inferior, "info proc mappings") if self.alive else ""
        return [
            (int(low, 16), int(high, 16), int(offset, 16), flags or None, path)
            for low, high, offset, flags, path in _MAPPING.findall(text)
        ]

    def readable(self) -> list[tuple[int, int]]:
        """The ranges of memory, as far as GDB knows them.

        Raises UnsupportedOperation if it does not.
        """
        if self.pid and self.kind != "core":
            ranges = [
                (start, end)
                for start, end, _, flags, _ in self._maps()
                if flags is None or flags.startswith("r")
            ]
        else:
            sections = _SECTION.findall(_text(self.inferior, "info files"))
            ranges = [(int(low, 16), int(high, 16)) for low, high in sections]
        if not ranges:
            raise UnsupportedOperation("GDB does not know what memory there is")
        return _disjoint(ranges)


class InferiorSegment(Segment):
    """All addresses of an inferior, as GDB reads them."""

    __slots__ = ("_target",)

    def __init__(self, target: InferiorTarget) -> None:
        super().__init__(0, 2**64)
        self._target = target

    @property
    def slow(self) -> bool:  # type: ignore[override]
        return self._target.is_process

    def read(self, address: int, size: int) -> bytes:
        target = self._target
        if not target.alive:
            raise FaultError("could not read memory: the process is gone", address)
        if gdb.selected_inferior() != target.inferior:
            with selected_inferior(target.inferior):
                return self.read(address, size)
        read_memory = target.inferior.read_memory
        pieces = []
        while size:
            part = min(size, CHUNK - address % CHUNK)
            try:
                pieces.append(bytes(read_memory(address, part)))
            except gdb.error:  # MemoryError is one.
                bad = self._first_bad(address, part)
                raise FaultError(target.fault, bad) from None
            address += part
            size -= part
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def write(self, address: int, data: bytes) -> None:
        target = self._target
        if not target.alive:
            raise FaultError("could not write memory: the process is gone", address)
        with selected_inferior(target.inferior):
            try:
                target.inferior.write_memory(address, data)
            except gdb.error:
                raise FaultError("could not write memory", address) from None

    def _first_bad(self, address: int, size: int) -> int:
        """The first address of a range that cannot be read, by pages."""
        read_memory = self._target.inferior.read_memory
        start = address
        while address < start + size:
            end = min((address // PAGE_SIZE + 1) * PAGE_SIZE, start + size)
            try:
                read_memory(address, end - address)
            except gdb.error:
                return self._first_bad_byte(address, end)
            address = end
        return start

    def _first_bad_byte(self, start: int, end: int) -> int:
        """As `_first_bad`, in one page, where sections of a file may end anywhere."""
        read_memory = self._target.inferior.read_memory
        low, high = start, end
        while low < high:
            middle = (low + high) // 2
            try:
                read_memory(start, middle - start + 1)
            except gdb.error:
                high = middle
            else:
                low = middle + 1
        return low

    def locate(self, address: int, size: int) -> tuple[bytes, int] | None:
        # What was read stays, until `InferiorTarget.changed()`.
        target = self._target
        if target.running:
            return None
        if size <= PAGE_SIZE:
            return self.read(address, size), 0
        if not target.is_process or not target.alive:
            return None
        with selected_inferior(target.inferior):
            try:
                return bytes(target.inferior.read_memory(address, size)), 0
            except gdb.error:
                return None  # A part of it cannot be read.

    def readable(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        for low, high in self._target.readable():
            low, high = max(low, start), min(high, end)
            if low < high:
                try:
                    self.read(low, 1)
                except FaultError:  # The kernel's own, such as [vvar].
                    continue
                yield low, high


def _number(thread: gdb.InferiorThread) -> int:
    return int(thread.num)


def registers_of(thread: gdb.InferiorThread) -> dict[str, int]:
    """The registers of a thread that GDB can tell; ValueError if it is running."""
    with selected_thread(thread):
        try:
            # For a breakpoint's callback the thread only seems to be running.
            frame = gdb.newest_frame()
        except gdb.error:
            raise ValueError(
                f"thread {tid_of(thread)} is running: interrupt it first"
            ) from None
        values = {}
        for register in frame.architecture().registers("general"):
            try:
                value = int(frame.read_register(register.name))
            except (gdb.error, ValueError):
                continue  # Not available, or not a number.
            name = _REGISTER_NAMES.get(register.name, register.name)
            values[name] = value & _MASK
        for name in ("fs_base", "gs_base"):
            try:
                value = int(frame.read_register(name))
                values[_REGISTER_NAMES[name]] = value & _MASK
            except (gdb.error, ValueError):
                pass
        return values


def _text(inferior: gdb.Inferior, command: str) -> str:
    """What a command of GDB prints about an inferior; nothing if it fails."""
    try:
        with selected_inferior(inferior):
            return str(gdb.execute(command, to_string=True))
    except gdb.error:
        return ""


def _parse_auxv(text: str) -> dict[int, int]:
    """The entries that ``info auxv`` shows."""
    return {int(key): int(value, 0) for key, value in _AUXV.findall(text) if key != "0"}


def _disjoint(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low < merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], high)
        elif low < high:
            merged.append((low, high))
    return merged
