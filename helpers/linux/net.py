"""
Networking
----------

``drgn.helpers.linux.net`` works with network namespaces, network devices, sockets
and socket buffers.
"""

from __future__ import annotations

import ipaddress
import operator
import os
from collections.abc import Iterator

from drgn import (
    NULL,
    IntegerLike,
    Object,
    Program,
    Type,
    TypeKind,
    cast,
    container_of,
    sizeof,
)
from drgn.helpers.common.prog import (
    takes_object_or_program_or_default,
    takes_program_or_default,
)
from drgn.helpers.linux._raw import chain
from drgn.helpers.linux.fs import fget
from drgn.helpers.linux.list import hlist_for_each_entry, list_for_each_entry
from drgn.helpers.linux.list_nulls import hlist_nulls_for_each_entry

__all__ = (
    "SOCKET_I",
    "SOCK_INODE",
    "for_each_net",
    "for_each_netdev",
    "get_net_ns_by_fd",
    "get_net_ns_by_inode",
    "is_pp_page",
    "neigh_table_for_each_neighbor",
    "netdev_for_each_tx_queue",
    "netdev_get_by_index",
    "netdev_get_by_name",
    "netdev_ipv4_addrs",
    "netdev_ipv6_addrs",
    "netdev_name",
    "netdev_priv",
    "sk_fullsock",
    "sk_nulls_for_each",
    "skb_shinfo",
)

_S_IFMT = 0o170000
_S_IFSOCK = 0o140000
# NETDEV_ALIGN in include/linux/netdevice.h.
_NETDEV_ALIGN = 32


def SOCKET_I(inode: Object) -> Object:
    """Return the socket of an inode.

    :param inode: ``struct inode *``
    :return: ``struct socket *``
    :raises ValueError: if *inode* is no socket's

    >>> for task in for_each_task(prog):
    ...     if task.comm.string_() == b"sockets":
    ...         inodes = [file.f_inode for _, file in for_each_file(task)]
    >>> inode = [each for each in inodes if decode_file_type(each.i_mode) == "SOCK"][0]
    >>> SOCKET_I(inode).type
    (short)1
    """
    if inode.i_mode.value_() & _S_IFMT != _S_IFSOCK:
        raise ValueError("not a socket inode")
    return container_of(inode, "struct socket_alloc", "vfs_inode").socket.address_of_()


def SOCK_INODE(sock: Object) -> Object:
    """Return the inode of a socket.

    :param sock: ``struct socket *``
    :return: ``struct inode *``

    >>> for task in for_each_task(prog):
    ...     if task.comm.string_() == b"sockets":
    ...         inodes = [file.f_inode for _, file in for_each_file(task)]
    >>> inode = [each for each in inodes if decode_file_type(each.i_mode) == "SOCK"][0]
    >>> SOCK_INODE(SOCKET_I(inode)) == inode
    True
    """
    return container_of(sock, "struct socket_alloc", "socket").vfs_inode.address_of_()


@takes_program_or_default
def for_each_net(prog: Program) -> Iterator[Object]:
    """Iterate over the network namespaces of the system.

    :return: Iterator of ``struct net *`` objects.

    >>> next(for_each_net(prog)) == prog["init_net"].address_of_()
    True
    """
    return list_for_each_entry(
        "struct net", prog["net_namespace_list"].address_of_(), "list"
    )


def get_net_ns_by_inode(inode: Object) -> Object:
    """Return the network namespace of an inode such as ``/proc/PID/ns/net``.

    :param inode: ``struct inode *``
    :return: ``struct net *``
    :raises ValueError: if *inode* is no network namespace's

    >>> get_net_ns_by_inode(path_lookup(prog, "/init").dentry.d_inode)
    Traceback (most recent call last):
        ...
    ValueError: not a namespace inode
    """
    prog = inode.prog_
    if inode.i_fop.value_() != prog["ns_file_operations"].address_:
        raise ValueError("not a namespace inode")
    ns = cast("struct ns_common *", inode.i_private)
    if ns.ops.value_() != prog["netns_operations"].address_:
        raise ValueError("not a network namespace inode")
    return container_of(ns, "struct net", "ns")


def get_net_ns_by_fd(task: Object, fd: IntegerLike) -> Object:
    """Return the network namespace that a file descriptor of a task refers to.

    :param task: ``struct task_struct *``
    :param fd: File descriptor.
    :return: ``struct net *``
    :raises ValueError: if *fd* refers to no network namespace

    >>> get_net_ns_by_fd(find_task(prog, 1), 0)
    Traceback (most recent call last):
        ...
    ValueError: not a namespace inode
    """
    file = fget(task, fd)
    if not file:
        raise ValueError("file descriptor is not open")
    return get_net_ns_by_inode(file.f_inode)


def _net(prog: Program, net: Object | None) -> Object:
    return prog["init_net"].address_of_() if net is None else net


@takes_object_or_program_or_default
def for_each_netdev(prog: Program, net: Object | None) -> Iterator[Object]:
    """Iterate over the network devices of a namespace.

    :param net: ``struct net *``. Defaults to the initial network namespace if given
        a :class:`~drgn.Program` or :ref:`omitted <default-program>`.
    :return: Iterator of ``struct net_device *`` objects.

    >>> [netdev_name(dev) for dev in for_each_netdev(prog)][:2]
    [b'lo', b'dummy0']
    """
    return list_for_each_entry(
        "struct net_device", _net(prog, net).dev_base_head.address_of_(), "dev_list"
    )


@takes_object_or_program_or_default
def netdev_get_by_index(
    prog: Program, net: Object | None, ifindex: IntegerLike
) -> Object:
    """Return the network device with an interface index.

    :param net: ``struct net *``. Defaults to the initial network namespace if given
        a :class:`~drgn.Program` or :ref:`omitted <default-program>`.
    :param ifindex: Interface index.
    :return: ``struct net_device *``, ``NULL`` if there is none.

    >>> netdev_name(netdev_get_by_index(prog, 1))
    b'lo'
    """
    index = operator.index(ifindex)
    for dev in for_each_netdev(_net(prog, net)):
        if dev.ifindex.value_() == index:
            return dev
    return NULL(prog, "struct net_device *")


@takes_object_or_program_or_default
def netdev_get_by_name(prog: Program, net: Object | None, name: str | bytes) -> Object:
    """Return the network device with a name, which may be an alternative one.

    :param net: ``struct net *``. Defaults to the initial network namespace if given
        a :class:`~drgn.Program` or :ref:`omitted <default-program>`.
    :param name: Name.
    :return: ``struct net_device *``, ``NULL`` if there is none.

    >>> netdev_get_by_name(prog, "lo").mtu
    (unsigned int)65536
    """
    wanted = os.fsencode(name)
    for dev in for_each_netdev(_net(prog, net)):
        if wanted in _netdev_names(dev):
            return dev
    return NULL(prog, "struct net_device *")


def _netdev_names(dev: Object) -> Iterator[bytes]:
    yield netdev_name(dev)
    try:
        # Since 5.5 (ff92741270bf).
        node = dev.name_node.read_()
    except AttributeError:
        return
    if node:
        for other in list_for_each_entry(
            "struct netdev_name_node", node.list.address_of_(), "list"
        ):
            yield other.name.string_()


def netdev_name(dev: Object) -> bytes:
    """Return the name of a network device.

    :param dev: ``struct net_device *``

    >>> netdev_name(netdev_get_by_index(prog, 1))
    b'lo'
    """
    return dev.name.string_()


def netdev_priv(dev: Object, type: str | Type = "void") -> Object:
    """Return the private data of a network device.

    :param dev: ``struct net_device *``
    :param type: Type of the private data.
    :return: ``type *``

    >>> netdev_priv(netdev_get_by_name(prog, "veth0")).type_
    void *
    """
    prog = dev.prog_
    pointer = prog.pointer_type(prog.type(type))
    try:
        # A flexible array since 6.11 (13cabc47f8ae), before it what is behind all else.
        return Object(prog, pointer, dev.priv.address_)
    except AttributeError:
        size = -(-sizeof(dev[0]) // _NETDEV_ALIGN) * _NETDEV_ALIGN
        return Object(prog, pointer, dev.value_() + size)


def netdev_for_each_tx_queue(dev: Object) -> Iterator[Object]:
    """Iterate over the transmit queues of a network device.

    :param dev: ``struct net_device *``
    :return: Iterator of ``struct netdev_queue *`` objects.

    >>> lo = netdev_get_by_name(prog, "lo")
    >>> [queue.dev == lo for queue in netdev_for_each_tx_queue(lo)]
    [True]
    """
    queues = dev.member_("_tx").read_()
    for i in range(dev.num_tx_queues.value_()):
        yield queues + i


def netdev_ipv4_addrs(dev: Object) -> list[ipaddress.IPv4Address]:
    """Return the IPv4 addresses of a network device.

    :param dev: ``struct net_device *``

    >>> netdev_ipv4_addrs(netdev_get_by_name(prog, "dummy0"))
    [IPv4Address('192.0.2.1')]
    """
    in_dev = dev.ip_ptr.read_()
    if not in_dev:
        return []
    return [
        ipaddress.IPv4Address(ifa.ifa_local.to_bytes_())
        for ifa in chain(in_dev.ifa_list, "ifa_next")
    ]


def netdev_ipv6_addrs(dev: Object) -> list[ipaddress.IPv6Address]:
    """Return the IPv6 addresses of a network device.

    :param dev: ``struct net_device *``

    >>> netdev_ipv6_addrs(netdev_get_by_name(prog, "lo"))
    [IPv6Address('::1')]
    """
    idev = dev.ip6_ptr.read_()
    if not idev:
        return []
    return [
        ipaddress.IPv6Address(ifaddr.addr.in6_u.u6_addr8.to_bytes_())
        for ifaddr in list_for_each_entry(
            "struct inet6_ifaddr", idev.addr_list.address_of_(), "if_list"
        )
    ]


def sk_fullsock(sk: Object) -> bool:
    """Return whether a socket is a full one, not a time-wait or request socket.

    :param sk: ``struct sock *``

    >>> chain = prog["tcp_hashinfo"].ehash[0].chain.address_of_()
    >>> [sk for sk in sk_nulls_for_each(chain) if sk_fullsock(sk)]
    []
    """
    prog = sk.prog_
    state = sk.__sk_common.skc_state.value_()
    return state not in (
        prog["TCP_TIME_WAIT"].value_(),
        prog["TCP_NEW_SYN_RECV"].value_(),
    )


def sk_nulls_for_each(head: Object) -> Iterator[Object]:
    """Iterate over the sockets of a nulls list.

    :param head: ``struct hlist_nulls_head *``
    :return: Iterator of ``struct sock *`` objects.

    >>> chain = prog["tcp_hashinfo"].ehash[0].chain.address_of_()
    >>> [sk_tcpstate(sk) for sk in sk_nulls_for_each(chain)]
    []
    """
    return hlist_nulls_for_each_entry("struct sock", head, "__sk_common.skc_nulls_node")


def skb_shinfo(skb: Object) -> Object:
    """Return the data that clones of a socket buffer share.

    :param skb: ``struct sk_buff *``
    :return: ``struct skb_shared_info *``

    >>> cache = find_slab_cache(prog, "skbuff_head_cache")
    >>> skbs = slab_cache_for_each_allocated_object(cache, "struct sk_buff")
    >>> skb_shinfo(next(skb for skb in skbs if skb.head)).nr_frags
    (__u8)0
    """
    end = skb.end
    address = end.value_()
    # A pointer with !NET_SKBUFF_DATA_USES_OFFSET.
    if end.type_.unaliased_kind() is not TypeKind.POINTER:
        address = (skb.head.value_() + address) % (1 << 8 * skb.prog_.address_size())
    return Object(skb.prog_, "struct skb_shared_info *", address)


def is_pp_page(page: Object) -> bool:
    """Return whether a page belongs to a page pool.

    :param page: ``struct page *``
    :raises NotImplementedError: from Linux 4.18, which has page pools, to Linux 5.13,
        which does not mark their pages

    >>> is_pp_page(virt_to_page(prog, find_task(prog, 1)))
    False
    """
    prog = page.prog_
    if "PGTY_netpp" in prog:
        # A page type in newer kernels, in the highest byte.
        return page.page_type.value_() >> 24 == prog["PGTY_netpp"].value_()
    try:
        magic = page.pp_magic.value_()
    except AttributeError:
        if "page_pool_destroy" in prog or _has_type(prog, "struct page_pool"):
            raise NotImplementedError(
                "page pool pages cannot be identified on this kernel"
            ) from None
        return False
    # PP_SIGNATURE: 0x40 + POISON_POINTER_DELTA, the lowest bits of which are flags.
    # Since 6.16 (ee62ce7a1d90), there may be the index of a DMA mapping above it.
    poison = 0xDEAD000000000000 if prog.address_size() == 8 else 0
    others = 0x3 | (0xFFFFFFFF << 7 if poison else 0)
    return magic & ~others == poison + 0x40


def _has_type(prog: Program, name: str) -> bool:
    try:
        prog.type(name)
    except LookupError:
        return False
    return True


def neigh_table_for_each_neighbor(table: Object) -> Iterator[Object]:
    """Iterate over the neighbors of a neighbor table.

    >>> neighbors = neigh_table_for_each_neighbor(prog["arp_tbl"].nht)
    >>> sorted(netdev_name(neighbor.dev) for neighbor in neighbors)
    [b'br0', b'dummy0', b'lo']

    :param table: ``struct neigh_hash_table *``
    :return: Iterator of ``struct neighbour *`` objects.
    """
    prog = table.prog_
    buckets = 1 << table.hash_shift.value_()
    try:
        # Lists since 6.13 (a01a67ab2fff); before, chains.
        heads = table.hash_heads.read_()
    except AttributeError:
        heads = None
    for i in range(buckets):
        if heads is not None:
            yield from hlist_for_each_entry("struct neighbour", heads + i, "hash")
            continue
        for neighbor in chain(table.hash_buckets[i], "next"):
            yield cast(prog.type("struct neighbour *"), neighbor)
