"""Reading the memory of GDB's inferiors."""

from __future__ import annotations

import gdb

# GDB 14 to 18 end themselves ("internal-error: inferior_thread") after a call of
# Inferior.read_memory() in which a connection was lost. Values are read without that
# defect; they have had their bytes since GDB 15.
_BY_VALUES = hasattr(gdb.Value, "bytes")


def read_memory(inferior: gdb.Inferior, address: int, size: int) -> bytes:
    """Read memory of the inferior that is selected.

    Raises gdb.MemoryError if a part cannot be read, gdb.error if its target is lost.
    """
    connection = inferior.connection
    if not _BY_VALUES or connection is None or "remote" not in connection.type:
        return bytes(inferior.read_memory(address, size))
    octets = inferior.architecture().integer_type(8, False).array(size - 1)
    with gdb.with_parameter("max-value-size", "unlimited"):
        return bytes(gdb.Value(address).cast(octets.pointer()).dereference().bytes)
