"""Reading many addresses at once with numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import FaultError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .segments import Buffer, Segment
    from .space import AddressSpace


def take_rows(
    buffer: Buffer, offsets: NDArray[np.int64], out: NDArray[np.uint8]
) -> None:
    """Copy the ``out.shape[1]`` bytes at each of n offsets into the rows of ``out``.

    The offsets must be inside of the buffer.
    """
    count, size = out.shape
    if not count or not size:
        return
    length = len(buffer) - size + 1
    # A void item of ``size`` bytes at every byte: one item is one memcpy.
    windows = np.ndarray((length,), f"V{size}", buffer, strides=(1,))
    if out.flags.c_contiguous:
        windows.take(offsets, out=out.view(f"V{size}").reshape(count), mode="clip")
    else:
        out[:] = windows[offsets].view(np.uint8).reshape(count, size)


def gather_pieces(
    space: AddressSpace,
    segments: list[Segment],
    addresses: NDArray[np.uint64],
    out: NDArray[np.uint8],
    valid: NDArray[np.bool_],
) -> None:
    """`AddressSpace.gather`: deal the addresses to the segments that hold them."""
    count, size = out.shape
    if not count or not segments:
        return
    if not size:
        valid[:] = True
        return
    starts, lasts = space.columns()
    index = starts.searchsorted(addresses, "right").astype(np.int64) - 1
    last = lasts[index]
    inside = (index >= 0) & (addresses <= last)
    whole = inside & (last - addresses >= np.uint64(size - 1))
    if whole.all() and index[0] == index[-1] and (index == index[0]).all():
        segments[index[0]].gather(addresses, out, valid)
        return
    rows = np.flatnonzero(whole)
    rows = rows[np.argsort(index[rows], kind="stable")]
    borders = np.flatnonzero(np.diff(index[rows])) + 1
    for group in np.split(rows, borders):
        if not len(group):
            continue
        part = np.empty((len(group), size), np.uint8)
        good = np.zeros(len(group), np.bool_)
        segments[index[group[0]]].gather(addresses[group], part, good)
        out[group] = part
        valid[group] = good
    # What lies in two segments is rare.
    for row in np.flatnonzero(inside & ~whole).tolist():
        try:
            out[row].data[:] = space.read(int(addresses[row]), size)
        except FaultError:
            continue
        valid[row] = True
