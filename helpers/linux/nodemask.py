"""
NUMA Node Masks
---------------

``drgn.helpers.linux.nodemask`` works with sets of NUMA nodes (``nodemask_t`` of
:linux:`include/linux/nodemask.h`).
"""

from __future__ import annotations

from collections.abc import Iterator

from drgn import IntegerLike, Object, Program, sizeof
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux.bitops import for_each_set_bit, test_bit

__all__ = (
    "for_each_node",
    "for_each_node_mask",
    "for_each_node_state",
    "for_each_online_node",
    "node_state",
    "nr_node_ids",
)


def for_each_node_mask(mask: Object) -> Iterator[int]:
    """Iterate over the NUMA nodes of a mask.

    :param mask: ``nodemask_t``

    >>> list(for_each_node_mask(prog["node_states"][prog["N_ONLINE"]]))
    [0]
    """
    bits = mask.bits
    return for_each_set_bit(bits, sizeof(bits) * 8)


@takes_program_or_default
def for_each_node_state(prog: Program, state: IntegerLike) -> Iterator[int]:
    """Iterate over the NUMA nodes in a state.

    :param state: ``enum node_states``, e.g., ``prog["N_NORMAL_MEMORY"]``.

    >>> list(for_each_node_state(prog, prog["N_MEMORY"]))
    [0]
    """
    return for_each_node_mask(prog["node_states"][state])


@takes_program_or_default
def for_each_node(prog: Program) -> Iterator[int]:
    """Iterate over the possible NUMA nodes.

    >>> list(for_each_node(prog))
    [0]
    """
    return for_each_node_state(prog, prog["N_POSSIBLE"])


@takes_program_or_default
def for_each_online_node(prog: Program) -> Iterator[int]:
    """Iterate over the online NUMA nodes.

    >>> list(for_each_online_node(prog))
    [0]
    """
    return for_each_node_state(prog, prog["N_ONLINE"])


def node_state(node: IntegerLike, state: Object) -> bool:
    """Return whether a NUMA node is in a state.

    :param node: NUMA node number.
    :param state: ``enum node_states``, e.g., ``prog["N_NORMAL_MEMORY"]``.

    >>> node_state(0, prog["N_ONLINE"])
    True
    """
    return test_bit(node, state.prog_["node_states"][state].bits)


@takes_program_or_default
def nr_node_ids(prog: Program) -> int:
    """Return the number of NUMA node IDs, used or not.

    >>> nr_node_ids(prog)
    1
    """
    try:
        return prog["nr_node_ids"].value_()
    except KeyError:
        # A macro where there is only one possible node.
        return 1
