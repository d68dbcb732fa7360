"""Arrays of values read from memory."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from ..objects.codec import codec_of
from ..objects.object import Object
from ..types.kinds import TypeKind
from .dtype import dtype_of

if TYPE_CHECKING:
    from ..memory.gather import Addresses
    from ..program import Program
    from ..types.type import Type

_POINTER = TypeKind.POINTER


def as_addresses(addresses: Addresses) -> NDArray[np.uint64]:
    """Addresses as uint64[n], from an array, integers or Objects.

    An Object that is a pointer stands for its value, another one for its own
    address. Masked ones are 0. Raises TypeError for what is no integer: a float has
    no room for an address.
    """
    if not isinstance(addresses, np.ndarray) or addresses.dtype == object:
        return np.fromiter((_address(item) for item in addresses), np.uint64)
    if addresses.size and addresses.dtype.kind not in "iu":
        raise TypeError(f"addresses must be integers, not {addresses.dtype}")
    if isinstance(addresses, np.ma.MaskedArray):
        addresses = addresses.filled(0)
    return addresses.astype(np.uint64, copy=False).reshape(-1)


def _address(item: SupportsIndex) -> int:
    if not isinstance(item, Object):
        return operator.index(item)
    if codec_of(item._type_).kind is _POINTER:
        pointer: int = item.value_()
        return pointer
    address = item._address_
    if address is None:
        raise ValueError("object has no address")
    return address


def read_array(
    prog: Program, type: str | Type, address: int, count: int
) -> NDArray[Any]:
    """See ``Program.read_array``."""
    dtype = dtype_of(prog.type(type))
    if count < 0:
        raise ValueError("negative count")
    size = dtype.itemsize * count
    if size == 0:
        return np.zeros(count, dtype)
    raw = prog._memory.read_array(prog._address(address), size)
    return raw.view(dtype.base).reshape((count, *dtype.shape))


def gather(prog: Program, type: str | Type, addresses: Addresses) -> Any:
    """See ``Program.gather``."""
    dtype = dtype_of(prog.type(type))
    wanted = as_addresses(addresses)
    known = np.ones(len(wanted), np.bool_)
    if isinstance(addresses, np.ma.MaskedArray):
        known &= ~np.ma.getmaskarray(addresses).reshape(-1)
    values, valid = read_values(prog, wanted, dtype, known)
    mask = ~valid
    if dtype.shape:
        mask = np.broadcast_to(
            mask.reshape((-1,) + (1,) * len(dtype.shape)), values.shape
        ).copy()
    return np.ma.MaskedArray(values, mask)


def read_values(
    prog: Program,
    addresses: NDArray[np.uint64],
    dtype: np.dtype[Any],
    wanted: NDArray[np.bool_],
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The items at n addresses where ``wanted``, and which could be read.

    Returns an array of shape (n, *dtype.shape), zero where nothing was read, and
    bool[n].
    """
    count = len(addresses)
    if dtype.itemsize == 0:
        return np.zeros((count, *dtype.shape), dtype.base), wanted.copy()
    valid = wanted.copy()
    if wanted.all():
        raw, valid = prog._memory.read_many(addresses, dtype.itemsize)
    else:
        raw = np.zeros((count, dtype.itemsize), np.uint8)
        raw[wanted], valid[wanted] = prog._memory.read_many(
            addresses[wanted], dtype.itemsize
        )
    raw = np.ascontiguousarray(raw).reshape(-1)
    return raw.view(dtype.base).reshape((count, *dtype.shape)), valid


def to_numpy(obj: Object) -> Any:
    """The value of an object as a numpy array or scalar of its type's dtype.

    An array object gives an array of its own shape, anything else a scalar
    (``numpy.void`` with fields for a structure). Raises FaultError,
    ObjectAbsentError, or TypeError for a type without a dtype.
    """
    dtype = dtype_of(obj.type_)
    if obj.bit_field_size_ is not None:
        return dtype.type(obj.value_())
    if dtype.itemsize == 0:
        return np.zeros(dtype.shape, dtype.base)
    address = obj.address_
    if address is not None and obj.bit_offset_ == 0:
        return read_array(obj.prog_, obj.type_, address, 1)[0]
    return np.frombuffer(obj.to_bytes_(), dtype, count=1)[0]
