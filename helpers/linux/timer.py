"""
Timers
------

``drgn.helpers.linux.timer`` walks the timer wheel and the high-resolution timers
("hrtimers").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from drgn import Object, Program
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux.list import hlist_for_each_entry
from drgn.helpers.linux.rbtree import rbtree_inorder_for_each_entry

__all__ = ("hrtimer_clock_base_for_each", "timer_base_for_each", "timer_base_names")


@takes_program_or_default
def timer_base_names(prog: Program) -> Sequence[str]:
    """Return the names of the timer wheel's bases.

    >>> timer_base_names()
    ('BASE_STD', 'BASE_DEF')

    Each CPU then has two in ``timer_bases``, in this order.
    """
    return {
        1: ("BASE_STD",),  # !CONFIG_NO_HZ_COMMON
        2: ("BASE_STD", "BASE_DEF"),
        # Since 6.9 (83a665dc99a7), pinned timers are apart.
        3: ("BASE_LOCAL", "BASE_GLOBAL", "BASE_DEF"),
    }[len(prog["timer_bases"])]


def timer_base_for_each(base: Object) -> Iterator[Object]:
    """Iterate over the timers of a base of the timer wheel.

    .. code-block:: python3

        for cpu in for_each_online_cpu():
            for base in per_cpu(prog["timer_bases"], cpu):
                for timer in timer_base_for_each(base.address_of_()):
                    ...

    :param base: ``struct timer_base *``
    :return: Iterator of ``struct timer_list *`` objects.

    >>> base = per_cpu(prog["timer_bases"], 0)[0]
    >>> next(timer_base_for_each(base)).type_
    struct timer_list *
    """
    for vector in base.vectors:
        yield from hlist_for_each_entry(
            "struct timer_list", vector.address_of_(), "entry"
        )


def hrtimer_clock_base_for_each(clock_base: Object) -> Iterator[Object]:
    """Iterate over the high-resolution timers of a clock base, next one first.

    .. code-block:: python3

        for cpu in for_each_online_cpu():
            for clock_base in per_cpu(prog["hrtimer_bases"], cpu).clock_base:
                for hrtimer in hrtimer_clock_base_for_each(clock_base.address_of_()):
                    ...

    :param clock_base: ``struct hrtimer_clock_base *``
    :return: Iterator of ``struct hrtimer *`` objects.

    >>> base = per_cpu(prog["hrtimer_bases"], 0).clock_base[0]
    >>> next(hrtimer_clock_base_for_each(base)).type_
    struct hrtimer *
    """
    active = clock_base.active
    try:
        # Since 5.4 (511885d7061e).
        root = active.rb_root.rb_root
    except AttributeError:
        root = active.head
    return rbtree_inorder_for_each_entry(
        "struct hrtimer", root.address_of_(), "node.node"
    )
