"""VMCOREINFO: what a kernel says of itself (kernel/vmcore_info.c).

Lines of ``KEY=value``, such as ``OSRELEASE=6.1.0``, ``SYMBOL(_stext)=ffffffff81000000``
(hexadecimal), ``NUMBER(phys_base)=-1234`` (decimal, sometimes hexadecimal).
"""

from __future__ import annotations

from ..errors import BadDataError


class Vmcoreinfo:
    """Parsed VMCOREINFO. BadDataError if what is always needed is missing."""

    __slots__ = ("fields", "osrelease", "page_size", "raw")

    raw: bytes
    osrelease: str
    page_size: int
    fields: dict[str, str]
    """Every line, as it is."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.fields = {}
        for line in raw.split(b"\n"):
            key, equals, value = line.partition(b"=")
            if equals:
                self.fields.setdefault(
                    key.decode("utf-8", "replace"), value.decode("utf-8", "replace")
                )
        self.osrelease = self.fields.get("OSRELEASE", "")
        if not self.osrelease:
            raise BadDataError("VMCOREINFO does not contain valid OSRELEASE")
        self.page_size = self._int("PAGESIZE", 10) or 0
        if self.page_size <= 0 or self.page_size & (self.page_size - 1):
            raise BadDataError("VMCOREINFO does not contain valid PAGESIZE")

    def _int(self, key: str, base: int) -> int | None:
        text = self.fields.get(key)
        if text is None:
            return None
        try:
            return int(text, base)
        except ValueError:
            raise BadDataError(f"couldn't parse {key} in VMCOREINFO") from None

    @property
    def build_id(self) -> bytes | None:
        """The build ID of vmlinux, None if it is not said (before 5.9)."""
        text = self.fields.get("BUILD-ID")
        if not text:
            return None
        try:
            return bytes.fromhex(text)
        except ValueError:
            raise BadDataError("couldn't parse BUILD-ID in VMCOREINFO") from None

    @property
    def kaslr_offset(self) -> int:
        """How far the kernel was moved by KASLR."""
        return self._int("KERNELOFFSET", 16) or 0

    def symbol(self, name: str) -> int | None:
        """The address of a symbol, None if it is not said."""
        return self._int(f"SYMBOL({name})", 16)

    def number(self, name: str) -> int | None:
        """A number, None if it is not said; some kernels write hexadecimal."""
        return self._int(f"NUMBER({name})", 0)

    def offset(self, name: str) -> int | None:
        """The offset of a structure's member, such as ``list_head.next``."""
        return self._int(f"OFFSET({name})", 10)
