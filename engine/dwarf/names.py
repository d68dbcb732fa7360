"""Names of DIEs, and how the index stores them.

Names are hashed with FNV-1a (63 of 64 bits), and qualified names as one string such as
``a::b``, so that a lookup hashes what the user typed and needs no tree of namespaces.
"""

from __future__ import annotations

HASH_START = 0x4BF29CE484222325
HASH_PRIME = 0x100000001B3
HASH_MASK = 0x7FFFFFFFFFFFFFFF

# Flags of an entry of the index, which is a DIE's offset << 16 | tag << 8 | flags. The
# offset of an enumerator's entry is that of its enumeration.
DECLARATION = 0x1
HAS_VALUE = 0x2
"""A variable has a location or a constant value; a function has code."""
CONTINUES = 0x4
"""The DIE continues another, which has the scope and mostly the name."""


def hash_name(name: str) -> int:
    """The hash of a possibly qualified name."""
    state = HASH_START
    for byte in name.encode("utf-8", "surrogateescape"):
        state = ((state ^ byte) * HASH_PRIME) & HASH_MASK
    return state
