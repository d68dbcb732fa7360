"""
Traffic Control (TC)
--------------------

``drgn.helpers.linux.tc`` works with the queueing disciplines of network devices.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from drgn import NULL, IntegerLike, Object
from drgn.helpers.linux.list import hlist_for_each_entry, list_for_each_entry

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("qdisc_lookup",)


def qdisc_lookup(dev: Object, major: IntegerLike) -> Object:
    """Return the queueing discipline of a network device that has a handle.

    Handles are written in hexadecimal: ``10:`` is 0x10.

    :param dev: ``struct net_device *``
    :param major: Major number of the handle.
    :return: ``struct Qdisc *``, ``NULL`` if there is none.

    >>> qdisc_lookup(netdev_get_by_name(prog, "lo"), 0x8001)
    (struct Qdisc *)0x0
    """
    handle = operator.index(major) << 16
    roots = [dev.qdisc]
    try:
        ingress = dev.ingress_queue.read_()
        if ingress:
            roots.append(ingress.qdisc_sleeping)
    except AttributeError:
        pass  # !CONFIG_NET_INGRESS
    for root in roots:
        if root and root.handle.value_() == handle:
            return root
    for qdisc in _children(dev):
        if qdisc.handle.value_() == handle:
            return qdisc
    return NULL(dev.prog_, "struct Qdisc *")


def _children(dev: Object) -> Iterator[Object]:
    """Iterate over the ``struct Qdisc *`` below the root of a device."""
    if hasattr(dev, "qdisc_hash"):  # Since 4.9 (59cc1f61f09c).
        for bucket in dev.qdisc_hash:
            yield from hlist_for_each_entry(
                "struct Qdisc", bucket.address_of_(), "hash"
            )
    elif dev.qdisc.type_.type.has_member("list"):
        yield from list_for_each_entry(
            "struct Qdisc", dev.qdisc.list.address_of_(), "list"
        )
    # Else there are none: !CONFIG_NET_SCHED.
