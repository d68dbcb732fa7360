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

    >>> for task in for_each_task(prog):
    ...     if task.comm.string_() == b"sockets":
    ...         inodes = [file.f_inode for _, file in for_each_file(task)]
    >>> inodes = [each for each in inodes if decode_file_type(each.i_mode) == "SOCK"]
    >>> socks = [SOCKET_I(inode).sk for inode in inodes]
    >>> [sk_tcpstate(sk) for sk in socks if sk.sk_protocol == prog["IPPROTO_TCP"]][0]
    (enum <anonymous>)TCP_LISTEN
    """
    # An anonymous enum, which one of its enumerators leads to.
    return cast(sk.prog_["TCP_ESTABLISHED"].type_, sk.member_("__sk_common").skc_state)
