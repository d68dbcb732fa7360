# Flags of pages, one function for each.
from drgn.helpers.linux import (
    PageActive,
    PageChecked,
    PageCompound,
    PageDirty,
    PageDoubleMap,
    PageError,
    PageForeign,
    PageHasHWPoisoned,
    PageHead,
    PageHWPoison,
    PageIdle,
    PageIsolated,
    PageLocked,
    PageLRU,
    PageMappedToDisk,
    PageMlocked,
    PageOwnerPriv1,
    PagePinned,
    PagePrivate,
    PagePrivate2,
    PageReadahead,
    PageReclaim,
    PageReferenced,
    PageReported,
    PageReserved,
    PageSavePinned,
    PageSkipKASanPoison,
    PageSlab,
    PageSlobFree,
    PageSwapBacked,
    PageTail,
    PageUncached,
    PageUnevictable,
    PageUptodate,
    PageVmemmapSelfHosted,
    PageWaiters,
    PageWorkingset,
    PageWriteback,
    PageXenRemapped,
    PageYoung,
    for_each_page,
    for_each_valid_pfn_and_page,
    page_to_pfn,
    page_to_virt,
    phys_to_page,
    virt_to_phys,
)

TESTS = (
    PageActive,
    PageChecked,
    PageCompound,
    PageDirty,
    PageDoubleMap,
    PageError,
    PageForeign,
    PageHasHWPoisoned,
    PageHead,
    PageHWPoison,
    PageIdle,
    PageIsolated,
    PageLocked,
    PageLRU,
    PageMappedToDisk,
    PageMlocked,
    PageOwnerPriv1,
    PagePinned,
    PagePrivate,
    PagePrivate2,
    PageReadahead,
    PageReclaim,
    PageReferenced,
    PageReported,
    PageReserved,
    PageSavePinned,
    PageSkipKASanPoison,
    PageSlab,
    PageSlobFree,
    PageSwapBacked,
    PageTail,
    PageUncached,
    PageUnevictable,
    PageUptodate,
    PageVmemmapSelfHosted,
    PageWaiters,
    PageWorkingset,
    PageWriteback,
    PageXenRemapped,
    PageYoung,
)
sample = [page for i, page in enumerate(for_each_page(prog)) if i % 61 == 0]
print(len(sample))
for test in TESTS:
    try:
        print(
            test.__name__, [page_to_pfn(page).value_() for page in sample if test(page)]
        )
    except LookupError:
        print(test.__name__, "is not in this kernel")
count = last = 0
for pfn, page in for_each_valid_pfn_and_page(prog):
    count += 1
    last = pfn
    if pfn % 4099 == 0:
        virt = page_to_virt(page)
        print(pfn, hex(page.value_()), hex(virt.value_()), hex(virt_to_phys(virt)))
        print(phys_to_page(prog, virt_to_phys(virt)) == page)
print(count, last)
