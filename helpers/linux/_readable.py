"""Array reads of what must be readable: FaultError in place of masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drgn import Program, Type, columns, offsetof

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Addresses = NDArray[np.uint64]


def read_members(
    prog: Program, type: str | Type, addresses: Addresses, *members: str
) -> list[NDArray[Any]]:
    """Members of structures, an array of n for each; FaultError if one is missing."""
    found = columns(addresses, *members, type=type, prog=prog)
    for member, column in found.items():
        if column.mask.any():
            place = int(addresses[column.mask][0]) + offsetof(prog.type(type), member)
            prog.read(place & (1 << 64) - 1, column.dtype.itemsize)  # They wrap around.
    return [column.data for column in found.values()]


def read_values(prog: Program, type: str | Type, addresses: Addresses) -> NDArray[Any]:
    """Values at addresses, an array of n; FaultError if one cannot be read."""
    found = prog.gather(type, addresses)
    if found.mask.any():
        prog.read(int(addresses[found.mask][0]), found.dtype.itemsize)
    values: NDArray[Any] = found.data
    return values


def read_strings(prog: Program, addresses: Addresses) -> NDArray[np.bytes_]:
    """Strings at addresses, an array of n; FaultError if one cannot be read."""
    import numpy as np

    # Types by their names would have to be looked for in the debug information.
    octet = prog.int_type("unsigned char", 1, False)
    found = prog.gather(prog.array_type(octet, 64), addresses)
    octets = found.data
    ends = octets == 0
    if not len(addresses) or found.mask.any() or not ends.any(1).all():
        # Of some, this is not all.
        return np.array([prog.read_c_string(each) for each in addresses.tolist()], "S")
    octets[np.logical_or.accumulate(ends, 1)] = 0
    longest = max(int(ends.argmax(1).max()), 1)
    return octets.view("S64").reshape(-1).astype(f"S{longest}")
