"""VMCOREINFO: what a kernel says of itself (kernel/vmcore_info.c).

Lines of ``KEY=value``, such as ``OSRELEASE=6.1.0``, ``SYMBOL(_stext)=ffffffff81000000``
(hexadecimal) and ``NUMBER(phys_base)=-73400320`` (decimal).
"""

from __future__ import annotations

from ..errors import BadDataError

_MAX_RELEASE = 128


class Vmcoreinfo:
    """Parsed VMCOREINFO.

    BadDataError if what is always needed is missing or not valid.
    """

    __slots__ = (
        "build_id",
        "fields",
        "kaslr_offset",
        "osrelease",
        "page_size",
        "raw",
        "swapper_pg_dir",
    )

    raw: bytes
    fields: dict[str, str]
    """Every line, as it is."""
    osrelease: str
    page_size: int
    build_id: bytes | None
    """The build ID of vmlinux, None if it is not said (before 5.9)."""
    kaslr_offset: int
    """How far KASLR moved the kernel."""
    swapper_pg_dir: int
    """Virtual address of the kernel's page table."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.fields = {}
        # What is behind the last newline is not a whole line.
        for line in raw.split(b"\n")[:-1]:
            key, equals, value = line.partition(b"=")
            if equals:
                self.fields[_text(key)] = _text(value)
        self.osrelease = self.fields.get("OSRELEASE", "")
        if not self.osrelease:
            raise BadDataError("VMCOREINFO does not contain valid OSRELEASE")
        if len(self.osrelease) >= _MAX_RELEASE:
            raise BadDataError("OSRELEASE in VMCOREINFO is too long")
        self.page_size = self._number("PAGESIZE", 10) or 0
        if self.page_size <= 0 or self.page_size & (self.page_size - 1):
            raise BadDataError("VMCOREINFO does not contain valid PAGESIZE")
        self.build_id = self._build_id()
        self.kaslr_offset = self._number("KERNELOFFSET", 16) or 0
        for name in ("phys_base", "pgtable_l5_enabled", "sme_mask"):
            self.number(name)
        swapper_pg_dir = self.symbol("swapper_pg_dir")
        if not swapper_pg_dir:
            raise BadDataError("VMCOREINFO does not contain valid swapper_pg_dir")
        self.swapper_pg_dir = swapper_pg_dir

    def _build_id(self) -> bytes | None:
        try:
            return bytes.fromhex(self.fields.get("BUILD-ID", "")) or None
        except ValueError:
            raise BadDataError("couldn't parse BUILD-ID in VMCOREINFO") from None

    def _number(self, key: str, base: int) -> int | None:
        text = self.fields.get(key)
        if text is None:
            return None
        digits = text.removeprefix("-")
        if base == 10 and digits.startswith("0x"):
            digits, base = digits[2:], 16
        if not digits.isalnum():  # int() would take spaces and underscores.
            raise BadDataError("number in VMCOREINFO is invalid")
        try:
            value = int(digits, base)
        except ValueError:
            raise BadDataError("number in VMCOREINFO is invalid") from None
        return -value if text.startswith("-") else value

    def symbol(self, name: str) -> int | None:
        """The address of a symbol, None if it is not said."""
        return self._number(f"SYMBOL({name})", 16)

    def number(self, name: str) -> int | None:
        """A number, None if it is not said."""
        return self._number(f"NUMBER({name})", 10)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")
