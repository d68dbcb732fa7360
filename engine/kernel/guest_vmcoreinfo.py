"""VMCOREINFO of a running kernel, out of its memory (kernel/vmcore_info.c).

It is there since the kernel's initialization (crash_save_vmcoreinfo_init), unless the
kernel is built without CONFIG_CRASH_CORE or CONFIG_VMCORE_INFO. Where it is not, what
the engine needs of it is known from the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import BadDataError, FaultError
from .vmcoreinfo import Vmcoreinfo
from .vmlinux import Vmlinux, find_banner

if TYPE_CHECKING:
    from .kaslr import KernelImage, Read

_SIZE_MAX = 1 << 16
_BANNER_MAX = 1024
# What the top page table is called: since 4.13 (65ade2f872b4), and before.
_TOP_TABLES = ("init_top_pgt", "init_level4_pgt")


def vmcoreinfo_of(vmlinux: Vmlinux, image: KernelImage, read: Read) -> bytes | None:
    """What a kernel says of itself, or what can be said of it.

    ``read`` is of virtual addresses. None if neither is possible: the kernel's first
    page table has no symbol, or its memory cannot be read.
    """
    try:
        return _read(vmlinux, image, read) or _make(vmlinux, image, read)
    except FaultError:
        return None


def _read(vmlinux: Vmlinux, image: KernelImage, read: Read) -> bytes | None:
    data, size = vmlinux.symbol("vmcoreinfo_data"), vmlinux.symbol("vmcoreinfo_size")
    if data is None or size is None:
        return None
    length = int.from_bytes(read(image.address(size.address), 8), "little")
    where = image.address(data.address)
    if data.size == 8:  # A pointer since 4.13 (203e9e41219b), an array before.
        where = int.from_bytes(read(where, 8), "little")
    if not where or not 0 < length <= _SIZE_MAX:
        return None
    text = read(where, length)
    try:
        Vmcoreinfo(text)
    except BadDataError:  # The kernel is just writing it.
        return None
    return text


def _make(vmlinux: Vmlinux, image: KernelImage, read: Read) -> bytes | None:
    banner, build_id = vmlinux.identity
    linux_banner = vmlinux.symbol("linux_banner")
    if banner is None and linux_banner is not None:
        banner = find_banner(read(image.address(linux_banner.address), _BANNER_MAX))
    tables = filter(None, map(vmlinux.symbol, _TOP_TABLES))
    top = next(tables, None)
    if banner is None or top is None:
        return None
    lines = [
        f"OSRELEASE={banner.split()[2]}",
        "PAGESIZE=4096",
        f"SYMBOL(swapper_pg_dir)={image.address(top.address):x}",
        f"KERNELOFFSET={image.offset:x}",
        f"NUMBER(phys_base)={image.phys_base}",
    ]
    five_levels = image.levels == 5
    enabled = vmlinux.symbol("__pgtable_l5_enabled")
    if image.levels is None and enabled is not None:
        five_levels = any(read(image.address(enabled.address), 4))
    lines.append(f"NUMBER(pgtable_l5_enabled)={int(five_levels)}")
    if build_id is not None:
        lines.append(f"BUILD-ID={build_id.hex()}")
    return "".join(line + "\n" for line in lines).encode()
