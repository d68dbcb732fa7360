"""Units by address, as a section of its own has them."""

from __future__ import annotations

import struct

import pytest

from drgn.engine.dwarf.aranges import read_aranges


class FakeSections:
    """`Sections` with nothing but this one."""

    def __init__(self, order: str, data: bytes) -> None:
        self.order = order
        self.data = data

    def section(self, name: str) -> memoryview:
        assert name == ".debug_aranges"
        return memoryview(self.data)

    def unsigned(self, data: memoryview) -> int:
        return int.from_bytes(data, "little" if self.order == "<" else "big")

    def struct(self, codes: str) -> struct.Struct:
        return struct.Struct(self.order + codes)


def aranges(
    order: str, offset_code: str, address_code: str, unit: int, *pairs: int, **head: int
) -> bytes:
    """The ranges of one unit."""
    is_64 = offset_code == "Q"
    sizes = (
        head.get("address_size", struct.calcsize(address_code)),
        head.get("segment_size", 0),
    )
    body = struct.pack(f"{order}H{offset_code}BB", head.get("version", 2), unit, *sizes)
    start = len(body) + (12 if is_64 else 4)
    body += bytes(-start % (2 * struct.calcsize(address_code)))
    body += struct.pack(f"{order}{len(pairs)}{address_code}", *pairs)
    prefix = struct.pack(f"{order}I", 0xFFFFFFFF) if is_64 else b""
    return prefix + struct.pack(order + offset_code, len(body)) + body


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("offset_code", ["I", "Q"])
@pytest.mark.parametrize("address_code", ["I", "Q"])
def test_ranges(order: str, offset_code: str, address_code: str) -> None:
    codes = (order, offset_code, address_code)
    data = aranges(*codes, 0x30, 0x2000, 0x10, 0x100, 8, 0, 0)
    data += aranges(*codes, 0x99, 5, 5, 0, 0, version=3)
    data += aranges(*codes, 0x99, 5, 5, 0, 0, segment_size=4)
    data += aranges(*codes, 0x99, 5, 5, 0, 0, address_size=3)
    data += aranges(*codes, 0x40, 0x1000, 1, 0x1001, 0, 0, 0)
    expected = [(0x100, 0x108, 0x30), (0x1000, 0x1001, 0x40), (0x2000, 0x2010, 0x30)]
    assert read_aranges(FakeSections(order, data)) == expected  # type: ignore[arg-type]
    # What is cut off is not there; what is before it is.
    for size in range(len(data)):
        found = read_aranges(FakeSections(order, data[:size]))  # type: ignore[arg-type]
        assert set(found) <= set(expected)
