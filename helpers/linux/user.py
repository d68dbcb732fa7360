"""
Users
-----

``drgn.helpers.linux.user`` looks up users (``struct user_struct``).
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

from drgn import NULL, IntegerLike, Object, Program, TypeKind
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux.list import hlist_for_each_entry

__all__ = ("find_user", "for_each_user", "kuid_val")


def kuid_val(uid: Object | IntegerLike) -> int:
    """Return the number of a user ID.

    :param uid: ``kuid_t``, or a number, which is returned as it is.

    >>> kuid_val(find_task(prog, 1).cred.uid)
    0
    """
    if isinstance(uid, Object) and uid.type_.unaliased_kind() != TypeKind.INT:
        return uid.val.value_()
    return operator.index(uid)


@takes_program_or_default
def find_user(prog: Program, uid: Object | IntegerLike) -> Object:
    """Return the user with a user ID.

    :param uid: ``kuid_t`` or number.
    :return: ``struct user_struct *``, ``NULL`` if there is none.

    >>> find_user(prog, 0).uid.val
    (uid_t)0
    """
    wanted = kuid_val(uid)
    for user in for_each_user(prog):
        if user.uid.val.value_() == wanted:
            return user
    return NULL(prog, "struct user_struct *")


@takes_program_or_default
def for_each_user(prog: Program) -> Iterator[Object]:
    """Iterate over the users that have processes or other resources.

    :return: Iterator of ``struct user_struct *`` objects.

    >>> sorted(kuid_val(user.uid) for user in for_each_user(prog))[:3]
    [0, 1000, 1001]
    """
    for bucket in prog["uidhash_table"]:
        yield from hlist_for_each_entry(
            "struct user_struct", bucket.address_of_(), "uidhash_node"
        )
