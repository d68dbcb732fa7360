"""Sockets, interfaces and their namespaces are those that the guest printed."""

from __future__ import annotations

import ipaddress
import re
import struct

import pytest
from guest_facts import inode_at, task_of
from lab.manifest import Lab

from drgn import Program, cast
from drgn.helpers.linux import (
    SOCK_INODE,
    SOCKET_I,
    cgroup_get_from_path,
    fget,
    for_each_mount,
    for_each_net,
    for_each_netdev,
    get_net_ns_by_fd,
    get_net_ns_by_inode,
    is_pp_page,
    mount_dst,
    netdev_for_each_tx_queue,
    netdev_get_by_index,
    netdev_get_by_name,
    netdev_ipv6_addrs,
    netdev_name,
    netdev_priv,
    qdisc_lookup,
    sk_fullsock,
    sk_nulls_for_each,
    sk_tcpstate,
    skb_shinfo,
    sock_cgroup_ptr,
    virt_to_page,
)


def socket_rows(lab: Lab, *names: str) -> dict[tuple[int, int, int, int], list[str]]:
    """(local port, remote port, state, family) -> fields of /proc/net/tcp*."""
    rows = {}
    for name in names:
        for line in lab.fact(f"proc/net/{name}").splitlines()[1:]:
            fields = line.split()
            local, remote = (int(fields[i].rsplit(":", 1)[1], 16) for i in (1, 2))
            family = 10 if name.endswith("6") else 2
            rows[local, remote, int(fields[3], 16), family] = fields
    return rows


def test_all_tcp_connections(live: Program, each_lab: Lab) -> None:
    """The hash table of connections has what /proc shows, time-waits too."""
    expected = {
        (local, remote, state)
        for local, remote, state, _ in socket_rows(each_lab, "tcp", "tcp6")
        if state != 10  # TCP_LISTEN is in another table.
    }
    # ESTABLISHED, SYN_SENT, SYN_RECV, FIN_WAIT2, TIME_WAIT, CLOSE_WAIT
    assert {state for *_, state in expected} == {1, 2, 3, 5, 6, 8}
    table = live["tcp_hashinfo"]
    found = set()
    full = {}
    for i in range(table.ehash_mask.value_() + 1):
        for sk in sk_nulls_for_each(table.ehash[i].chain.address_of_()):
            common = sk.__sk_common
            local = common.skc_num.value_()
            remote = struct.unpack(">H", struct.pack("<H", common.skc_dport))[0]
            state = sk_tcpstate(sk).value_()
            full.setdefault(state, sk_fullsock(sk))
            # TCP_NEW_SYN_RECV is shown as SYN_RECV.
            found.add((local, remote, 3 if state == 12 else state))
    # Where the guest is slow, what waits for a minute may be over.
    assert {key for key in expected if key[2] not in (3, 6)} <= found
    assert found <= expected
    assert full[1] and not full.get(6, False) and not full.get(12, False)


def test_sockets_of_files(live: Program, each_lab: Lab) -> None:
    task = task_of(live, each_lab, "tcp-states")
    facts = each_lab.task("tcp-states")
    by_inode = {
        int(fields[9]): (key, fields)
        for key, fields in socket_rows(each_lab, "tcp", "tcp6").items()
    }
    group = cgroup_get_from_path(live, facts["cgroup"])
    for key, states in (
        ("established", [1, 1]),
        ("half", [5, 8]),
        ("established6", [1, 1]),
        ("half6", [5, 8]),
        ("sent", [2]),
    ):
        for fd, state in zip(facts[key].split(), states, strict=True):
            file = fget(task, int(fd))
            socket = SOCKET_I(file.f_inode)
            assert SOCK_INODE(socket).value_() == file.f_inode.value_()
            assert cast("struct socket *", file.private_data) == socket
            assert sk_tcpstate(socket.sk).value_() == state
            assert by_inode[file.f_inode.i_ino.value_()][0][2] == state
            if live.symbols("cgroup_sk_alloc"):  # CONFIG_SOCK_CGROUP_DATA
                owner = sock_cgroup_ptr(socket.sk.sk_cgrp_data)
                assert owner.value_() == group.value_()


def test_data_that_nobody_has_read(live: Program, each_lab: Lab) -> None:
    facts = each_lab.task("sockets")
    task = task_of(live, each_lab, "sockets")
    sk = SOCKET_I(fget(task, int(facts["accepted"].split()[0])).f_inode).sk
    skb = cast("struct sk_buff *", sk.sk_receive_queue.next)
    assert skb.len.value_() == len(b"unread")
    shared = skb_shinfo(skb)
    assert shared.type_.type_name() == "struct skb_shared_info *"
    in_fragments = shared.nr_frags.value_()
    assert in_fragments <= 1 and shared.dataref.counter.value_() & 0xFFFF >= 1
    if not in_fragments:
        assert live.read(skb.data, 6) == b"unread"
    page = virt_to_page(live, skb)
    # Linux before 4.18 has no pools.
    known = "PGTY_netpp" in live or hasattr(page, "pp_magic")
    if known or "page_pool_destroy" not in live:
        assert not is_pp_page(page)
    else:  # before 5.14 (c07aea3ef4d4)
        with pytest.raises(NotImplementedError, match="page pool"):
            is_pp_page(page)


def test_interfaces(live: Program, each_lab: Lab) -> None:
    indexes = re.findall(r"net/([^/]+)/ifindex:(\d+)", each_lab.fact("sys/interfaces"))
    assert len(indexes) >= 8
    sizes = dict(re.findall(r"net/([^/]+)/mtu:(\d+)", each_lab.fact("sys/interfaces")))
    for name, index in indexes:
        dev = netdev_get_by_name(live, name)
        assert dev.ifindex.value_() == int(index)
        assert dev.mtu.value_() == int(sizes[name])
        assert netdev_get_by_index(live, int(index)).value_() == dev.value_()
        queues = list(netdev_for_each_tx_queue(dev))
        assert len(queues) == dev.num_tx_queues.value_() >= 1
        assert all(queue.dev.value_() == dev.value_() for queue in queues)
    assert not netdev_get_by_index(live, 1000)
    addresses: dict[str, set[ipaddress.IPv6Address]] = {}
    for line in each_lab.fact("proc/net/if_inet6").splitlines():
        number, *_, name = line.split()
        addresses.setdefault(name, set()).add(ipaddress.IPv6Address(int(number, 16)))
    assert ipaddress.IPv6Address("2001:db8::1") in addresses["dummy0"]
    for name, expected in addresses.items():
        assert set(netdev_ipv6_addrs(netdev_get_by_name(live, name))) == expected
    # struct veth_priv begins with a pointer to the other end.
    priv = netdev_priv(netdev_get_by_name(live, "lab0"), "void *")
    assert priv[0].value_() == netdev_get_by_name(live, "veth0").value_()


def test_disciplines(live: Program, each_lab: Lab) -> None:
    dev = netdev_get_by_name(live, "lab0")
    rows = re.findall(r"^qdisc (\w+) (\w+): dev lab0", each_lab.fact("ip/qdisc"), re.M)
    assert ("prio", "1") in rows and ("pfifo", "10") in rows
    for kind, handle in rows:
        found = qdisc_lookup(dev, int(handle, 16))
        assert found.ops.id.string_().decode() == kind
        assert found.handle.value_() == int(handle, 16) << 16


def test_network_namespaces(live: Program, each_lab: Lab) -> None:
    facts = each_lab.task("contained")
    inode = int(facts["ns.net"])
    nets = {net.ns.inum.value_(): net for net in for_each_net(live)}
    init = each_lab.fact("proc/1/ns")
    first = re.search(r"net:\[(\d+)\]", init)
    assert first and set(nets) == {int(first[1]), inode}
    task = task_of(live, each_lab, "contained")
    net = get_net_ns_by_fd(task, int(facts["netns"]))
    assert net.value_() == nets[inode].value_() == task.nsproxy.net_ns.value_()
    file = fget(task, int(facts["netns"]))
    assert get_net_ns_by_inode(file.f_inode).value_() == net.value_()
    assert [netdev_name(dev) for dev in for_each_netdev(net)] == [b"lo"]
    with pytest.raises(ValueError, match="namespace"):
        get_net_ns_by_inode(inode_at(live, "/tree"))
    (mount,) = for_each_mount(live, fstype="nsfs")
    assert mount_dst(mount) == b"/run/netns"
    assert get_net_ns_by_inode(mount.mnt.mnt_root.d_inode).value_() == net.value_()
