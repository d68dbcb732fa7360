"""
TCP
---

``drgn.helpers.linux.tcp`` works with TCP sockets.
"""

from __future__ import annotations

from drgn import Object, cast

__all__ = ("sk_tcpstate",)


def sk_tcpstate(sk: Object) -> Object:
    """Return the TCP state of a socket.

    :param sk: ``struct sock *``
    :return: Enumerator, e.g., ``TCP_ESTABLISHED``.
    """
    # An anonymous enum, which one of its enumerators leads to.
    return cast(sk.prog_["TCP_ESTABLISHED"].type_, sk.member_("__sk_common").skc_state)
