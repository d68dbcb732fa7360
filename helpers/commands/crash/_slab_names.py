"""Addresses in objects of slab caches as text."""

from __future__ import annotations

from drgn import FaultError, Program
from drgn.helpers import ValidationError
from drgn.helpers.common.format import escape_ascii_string
from drgn.helpers.linux.slab import find_containing_slab_cache, slab_object_info


def slab_cache_name(prog: Program, address: int) -> str | None:
    """The name of the slab cache that an address is in, None if it is in none.

    Nor has it one if that cannot be read, or of SLOB, which has no caches.
    """
    try:
        try:
            info = slab_object_info(prog, address)
        except ValidationError:
            # A broken list of free objects makes no difference.
            cache = find_containing_slab_cache(prog, address)
        else:
            if info is None:
                return None
            cache = info.slab_cache
        return escape_ascii_string(cache.name.string_()) if cache else None
    except FaultError:
        return None
