"""
Log Buffer
----------

``drgn.helpers.linux.printk`` reads the kernel's log buffer.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

from drgn import Object, Program, offsetof, sizeof
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux._raw import record_reader
from drgn.helpers.linux.timekeeping import ktime_get_coarse_ns, ktime_get_coarse_real_ns

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

__all__ = ("get_dmesg", "get_printk_records", "print_dmesg")


class PrintkRecord(NamedTuple):
    """A record of the kernel's log."""

    text: bytes
    """Text, which may have several lines."""
    facility: int
    """Facility of :manpage:`syslog(3)`."""
    level: int
    """Log level."""
    seq: int
    """Sequence number."""
    timestamp: int
    """Nanoseconds since the kernel was booted."""
    caller_tid: int | None
    """Thread that logged it, if known (``CONFIG_PRINTK_CALLER``) and it was one."""
    caller_cpu: int | None
    """CPU that logged it, if known and it was not a thread."""
    continuation: bool
    """Whether the record continues the one before it."""
    context: dict[bytes, bytes]
    """Further properties, e.g., ``SUBSYSTEM`` and ``DEVICE``."""


@takes_program_or_default
def get_printk_records(prog: Program) -> list[PrintkRecord]:
    """Return the records of the kernel's log, oldest first.

    >>> get_printk_records(prog)[0].level
    5
    """
    try:
        # Since 5.10 (896fbe20b4e2).
        prb = prog["prb"]
    except KeyError:
        return _log_buf_records(prog)
    return _ring_buffer_records(prb.read_())


# kernel/printk/printk_ringbuffer.h: enum desc_state, in a descriptor's highest bits.
_COMMITTED = 1
_FINALIZED = 2
_LOG_CONT = 8  # enum printk_info_flags
_CALLER_IS_CPU = 0x80000000


def _ring_buffer_records(prb: Object) -> list[PrintkRecord]:
    prog = prb.prog_
    ring = prb.desc_ring.read_()
    index_mask = (1 << ring.count_bits.value_()) - 1
    state_shift = 8 * prog.address_size() - 2
    id_mask = (1 << state_shift) - 1
    text = _TextRing(prb.text_data_ring)
    tail: int = ring.tail_id.counter.value_() & id_mask
    head: int = ring.head_id.counter.value_() & id_mask
    count = min((head - tail & id_mask) + 1, index_mask + 1)
    descs = _from_ring(ring.descs, tail & index_mask, count, index_mask + 1)
    infos = _from_ring(ring.infos, tail & index_mask, count, index_mask + 1)
    of_desc = record_reader(
        prog.type("struct prb_desc"),
        "state_var.counter",
        "text_blk_lpos.begin",
        "text_blk_lpos.next",
    )
    of_info = _info_reader(prog)

    records = []
    for i, (desc, info) in enumerate(zip(descs, infos, strict=True)):
        state, begin, end = of_desc(desc)
        # Others are being written, or were overwritten.
        if state & id_mask == tail + i & id_mask and state >> state_shift & 3 in (
            _COMMITTED,
            _FINALIZED,
        ):
            records.append(of_info(info, text, begin, end))
    return records


def _from_ring(entries: Object, first: int, count: int, length: int) -> Iterator[bytes]:
    """The bytes of entries of a ring, which is read in at most two pieces.

    :param entries: Pointer to the first of the ring's *length* entries.
    """
    entry = sizeof(entries.type_.type)
    before_end = min(count, length - first)
    for start, n in ((first, before_end), (0, count - before_end)):
        if n:
            piece = entries.prog_.read(entries.value_() + start * entry, n * entry)
            for offset in range(0, len(piece), entry):
                yield piece[offset : offset + entry]


class _TextRing:
    """The ring of the records' texts (``struct prb_data_ring``).

    They are read one by one: a dump may lack what the ring has not used yet.
    """

    def __init__(self, ring: Object) -> None:
        prog = ring.prog_
        self._read = prog.read
        self._size_bits: int = ring.size_bits.value_()
        self._data: int = ring.data.value_()
        self._header = offsetof(prog.type("struct prb_data_block"), "data")

    def between(self, begin: int, end: int, length: int) -> bytes:
        """The text of a block, by its logical positions."""
        if begin & 1:
            return b""  # LPOS_DATALESS
        # A block that does not fit before the end of the ring is at its beginning.
        fits = begin >> self._size_bits == (end - 1) >> self._size_bits
        mask = (1 << self._size_bits) - 1
        start = begin & mask if fits else 0
        stop = ((end - 1) & mask) + 1
        start += self._header
        end = min(start + length, stop)
        return self._read(self._data + start, end - start) if start < end else b""


def _info_reader(
    prog: Program,
) -> Callable[[bytes, _TextRing, int, int], PrintkRecord]:
    """Return a function that makes a record of a ``struct printk_info``."""
    type = prog.type("struct printk_info")
    read = record_reader(
        type,
        "text_len",
        "facility",
        "level",
        "seq",
        "ts_nsec",
        "flags",
        "dev_info.subsystem",
        "dev_info.device",
    )
    # CONFIG_PRINTK_CALLER
    read_caller = (
        record_reader(type, "caller_id") if type.has_member("caller_id") else None
    )

    def record(info: bytes, text: _TextRing, begin: int, end: int) -> PrintkRecord:
        length, facility, level, seq, timestamp, flags, *strings = read(info)
        context = {}
        for key, value in zip((b"SUBSYSTEM", b"DEVICE"), strings, strict=True):
            string = value.partition(b"\0")[0]
            if string:
                context[key] = string
        return PrintkRecord(
            text.between(begin, end, length),
            facility,
            level,
            seq,
            timestamp,
            *_caller(None if read_caller is None else read_caller(info)[0]),
            bool(flags & _LOG_CONT),
            context,
        )

    return record


def _caller(caller: int | None) -> tuple[int | None, int | None]:
    """Return the thread or else the CPU that logged a record."""
    if caller is None:
        return None, None
    if caller & _CALLER_IS_CPU:
        return None, caller & ~_CALLER_IS_CPU
    return caller, None


def _log_buf_records(prog: Program) -> list[PrintkRecord]:
    """Read the log buffer of Linux before 5.10: records one after another."""
    log_type = prog.type("struct printk_log")
    has_caller = log_type.has_member("caller_id")  # CONFIG_PRINTK_CALLER
    buffer = prog["log_buf"].value_()
    size: int = prog["log_buf_len"].value_()
    offset: int = prog["log_first_idx"].value_()
    end: int = prog["log_next_idx"].value_()
    seq: int = prog["log_first_seq"].value_()
    count: int = prog["log_next_seq"].value_() - seq
    records = []
    while count > 0 and offset != end and offset + sizeof(log_type) <= size:
        log = Object(prog, log_type, address=buffer + offset).read_()
        length: int = log.len.value_()
        if not length:
            # The rest did not fit before the end of the buffer.
            if not offset:
                break
            offset = 0
            continue
        text_address = buffer + offset + sizeof(log_type)
        text_len, dict_len = log.text_len.value_(), log.dict_len.value_()
        context = {}
        for item in prog.read(text_address + text_len, dict_len).split(b"\0"):
            key, separator, value = item.partition(b"=")
            if separator:
                context[key] = value
        records.append(
            PrintkRecord(
                prog.read(text_address, text_len),
                log.facility.value_(),
                log.level.value_(),
                seq,
                log.ts_nsec.value_(),
                *_caller(log.caller_id.value_() if has_caller else None),
                bool(log.flags.value_() & _LOG_CONT),
                context,
            )
        )
        seq += 1
        count -= 1
        offset += length
    return records


@takes_program_or_default
def get_dmesg(prog: Program, *, timestamps: bool | Literal["human"] = True) -> bytes:
    """Return the kernel's log as :manpage:`dmesg(1)` writes it.

    The lines are ``[   timestamp] message``.

    :param timestamps: ``True`` for seconds since boot, ``"human"`` for dates and
        times, which are wrong for what was logged before the last suspend, ``False``
        for none.
    :raises ValueError: if *timestamps* is none of these

    >>> get_dmesg(prog, timestamps=False).splitlines()[0][:13]
    b'Linux version'
    """
    if timestamps not in (True, False, "human"):
        raise ValueError("timestamps must be True, False or 'human'")
    boot = 0
    if timestamps == "human":
        boot = (
            ktime_get_coarse_real_ns(prog).value_() - ktime_get_coarse_ns(prog).value_()
        )
    lines = []
    for record in get_printk_records(prog):
        prefix = b""
        if timestamps == "human":
            prefix = f"[{_date(boot + record.timestamp)}] ".encode()
        elif timestamps:
            microseconds = record.timestamp // 1000
            seconds, microseconds = divmod(microseconds, 1000000)
            prefix = b"[%5d.%06d] " % (seconds, microseconds)
        lines.append(prefix + record.text)
    lines.append(b"")
    return b"\n".join(lines)


def _date(ns: int) -> str:
    import time

    return time.strftime("%a %b %e %H:%M:%S %Z %Y", time.localtime(ns // 10**9))


@takes_program_or_default
def print_dmesg(
    prog: Program,
    *,
    timestamps: bool | Literal["human"] = True,
    file: SupportsWrite[str] | None = None,
) -> None:
    """Print the kernel's log; see :func:`get_dmesg()`.

    :param timestamps: How to write timestamps; see :func:`get_dmesg()`.
    :param file: File to write to (``sys.stdout`` by default).

    >>> import io
    >>> file = io.StringIO()
    >>> print_dmesg(prog, file=file)
    >>> file.getvalue()[:27]
    '[    0.000000] Linux versio'
    """
    text = get_dmesg(prog, timestamps=timestamps).decode(errors="replace")
    (sys.stdout if file is None else file).write(text)
