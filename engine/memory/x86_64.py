"""x86-64 paging (Intel SDM volume 3A, chapter 4; Linux's arch/x86/include/asm)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .paging import Level, PageTable, PagingMode

if TYPE_CHECKING:
    from .space import AddressSpace

_PRESENT = 1 << 0
_PSE = 1 << 7
# Linux keeps pages that were made PROT_NONE with this bit instead of _PRESENT.
_PROT_NONE = 1 << 8
_ADDRESS = ((1 << 52) - 1) & ~0xFFF
# What Linux takes for the address without CONFIG_X86_5LEVEL before 4.17 (b83ce5ee9147).
_OLD_ADDRESS = ((1 << 46) - 1) & ~0xFFF

_VALID = _PRESENT | _PROT_NONE
_LEVELS = (
    Level(48, _VALID, None),  # PGD with 5 levels
    Level(39, _VALID, None),  # P4D, or PGD with 4 levels
    Level(30, _VALID, _PSE),  # PUD: pages of 1 GiB
    # While a huge page is split, only its PSE bit says that it is there.
    Level(21, _VALID | _PSE, _PSE),  # PMD: pages of 2 MiB
    Level(12, _VALID, 0),  # PTE
)


class X86_64PageTable(PageTable):
    """Page tables of 4 or 5 levels, with pages of 4 KiB, 2 MiB and 1 GiB.

    ``me_mask`` has the bits of an entry that say whether memory is encrypted
    (``NUMBER(sme_mask)`` of VMCOREINFO). Linux inverts the address in an entry that
    is not present, against L1TF.
    """

    __slots__ = ()

    def __init__(
        self, physical: AddressSpace, root: int, levels: int = 4, me_mask: int = 0
    ) -> None:
        """``root`` is the physical address of the top table.

        Raises ValueError if ``levels`` is neither 4 nor 5.
        """
        if levels not in (4, 5):
            raise ValueError(f"x86-64 page tables have 4 or 5 levels, not {levels}")
        mode = PagingMode(
            levels=_LEVELS[5 - levels :],
            index_bits=9,
            address_mask=_ADDRESS & ~me_mask,
            inverted=_PRESENT,
            inverted_top=_ADDRESS & ~me_mask & ~_OLD_ADDRESS,
            signed=True,
        )
        super().__init__(physical, root & mode.address_mask, mode)
