"""Network devices, their names, addresses and queues, made by hand."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from mock_kernel import Kernel

from drgn import Architecture, Object, Platform, Program, TypeMember
from drgn.helpers.linux import (
    for_each_netdev,
    is_pp_page,
    netdev_for_each_tx_queue,
    netdev_get_by_index,
    netdev_get_by_name,
    netdev_ipv4_addrs,
    netdev_ipv6_addrs,
    netdev_name,
    netdev_priv,
    skb_shinfo,
)

NET, LO, ETH = (0xFFFF888000010000 + 0x1000 * i for i in range(3))


@pytest.fixture(params=[True, False], ids=["named", "unnamed"])
def net(request: pytest.FixtureRequest, kernel: Kernel) -> Object:
    """The initial namespace of two devices: lo, and eth, which may be called wan."""
    prog = kernel.prog
    char = prog.int_type("char", 1, True)
    link = kernel.linked("list_head", "next", "prev")
    queue = kernel.struct("netdev_queue", id=kernel.long)
    # Since 5.5, devices may have more names.
    other = kernel.struct("netdev_name_node", list=link, name=kernel.to(char))
    named = {"name_node": kernel.to(other)} if request.param else {}
    byte = prog.int_type("u8", 1, False)
    in6_u = kernel.union("in6_u", u6_addr8=prog.array_type(byte, 16))
    in6 = kernel.struct("in6_addr", in6_u=in6_u)
    kernel.struct("inet6_ifaddr", addr=in6, if_list=link)
    inet6 = kernel.struct("inet6_dev", addr_list=link)
    kernel.types["in_ifaddr"] = prog.struct_type(
        "in_ifaddr",
        16,
        [
            TypeMember(lambda: kernel.to(kernel.types["in_ifaddr"]), "ifa_next"),
            TypeMember(kernel.u32, "ifa_local", 64),
        ],
    )
    in_device = kernel.struct(
        "in_device", ifa_list=kernel.to(kernel.types["in_ifaddr"])
    )
    kernel.struct(
        "net_device",
        name=prog.array_type(char, 16),
        dev_list=link,
        ifindex=kernel.int,
        _tx=kernel.to(queue),
        num_tx_queues=kernel.u32,
        ip_ptr=kernel.to(in_device),
        ip6_ptr=kernel.to(inet6),
        **named,
    )
    space = kernel.struct("net", rtnl=kernel.long, dev_base_head=link)
    head, nodes = NET + 8, [LO + 16, ETH + 16]
    kernel.words(NET, 0, nodes[0], nodes[1])
    for at, name, before, after, index, queues in (
        (LO, b"lo", head, nodes[1], 1, 1),
        (ETH, b"eth", nodes[0], head, 7, 3),
    ):
        kernel.memory(at, name.ljust(16, b"\0"))
        about = (at + 0x200, queues, at + 0x300, at + 0x400, at + 0x500)
        if at == LO:
            about = (at + 0x200, queues, 0, 0, 0)
        kernel.words(at + 16, after, before, index, *about[: 5 if named else 4])
    # eth's name, and another of it.
    kernel.words(ETH + 0x500, ETH + 0x600, ETH + 0x600, ETH)
    kernel.words(ETH + 0x600, ETH + 0x500, ETH + 0x500, ETH + 0x680)
    kernel.memory(ETH + 0x680, b"wan\0")
    # 192.0.2.1 and 192.0.2.77; 2001:db8::5.
    kernel.words(ETH + 0x300, ETH + 0x310)
    kernel.words(ETH + 0x310, ETH + 0x320, 0x010200C0)
    kernel.words(ETH + 0x320, 0, 0x4D0200C0)
    kernel.words(ETH + 0x400, ETH + 0x450, ETH + 0x450)
    kernel.words(ETH + 0x440, 0xB80D0120, 5 << 56, ETH + 0x400, ETH + 0x400)
    kernel.objects["init_net"] = Object(prog, space, address=NET)
    return kernel.objects["init_net"].address_of_()


def test_devices(net: Object) -> None:
    for where in (net, net.prog_):
        devices = list(for_each_netdev(where))
        assert [device.value_() for device in devices] == [LO, ETH]
        assert [netdev_name(device) for device in devices] == [b"lo", b"eth"]
        for index, expected in ((1, LO), (7, ETH), (2, 0)):
            found = netdev_get_by_index(where, index)
            assert found.value_() == expected
            assert found.type_ == devices[0].type_
        has_names = hasattr(devices[0], "name_node")
        for name, expected in (
            ("lo", LO),
            (b"eth", ETH),
            ("wan", ETH if has_names else 0),
            ("nope", 0),
        ):
            found = netdev_get_by_name(where, name)
            assert found.value_() == expected
            assert found.type_ == devices[0].type_


def test_addresses(net: Object) -> None:
    lo, eth = for_each_netdev(net)
    assert netdev_ipv4_addrs(lo) == [] and netdev_ipv6_addrs(lo) == []
    assert netdev_ipv4_addrs(eth) == [
        IPv4Address("192.0.2.1"),
        IPv4Address("192.0.2.77"),
    ]
    assert netdev_ipv6_addrs(eth) == [IPv6Address("2001:db8::5")]


def test_queues(net: Object) -> None:
    for device, count in zip(for_each_netdev(net), (1, 3), strict=True):
        queues = [queue.value_() for queue in netdev_for_each_tx_queue(device)]
        assert queues == [device.value_() + 0x200 + 8 * i for i in range(count)]


@pytest.mark.parametrize(("size", "rounded"), [(32, 32), (40, 64), (64, 64), (65, 96)])
def test_private_data_behind_a_device(kernel: Kernel, size: int, rounded: int) -> None:
    """What of a device is not its own begins at a multiple of 32 bytes."""
    prog = kernel.prog
    type = prog.struct_type("net_device", size, [TypeMember(kernel.int, "ifindex")])
    mine = kernel.struct("mine", number=kernel.long)
    found = netdev_priv(kernel.at(type, LO), mine)
    assert found.value_() == LO + rounded and found.type_ == kernel.to(mine)
    # Since 6.8, that is its last member.
    behind = prog.array_type(prog.int_type("u8", 1, False))
    members = [TypeMember(kernel.int, "ifindex"), TypeMember(behind, "priv", 8 * size)]
    newer = kernel.at(prog.struct_type("net_device", size, members), LO)
    assert netdev_priv(newer, mine).value_() == LO + size
    assert netdev_priv(newer).type_ == kernel.to(prog.void_type())


def test_pages_of_pools_before_5_14(kernel: Kernel) -> None:
    """There are pools since 4.18, and nothing tells their pages at first."""
    page = Object(kernel.prog, kernel.struct("page", flags=kernel.ulong), {})
    assert not is_pp_page(page)
    pool = kernel.struct("page_pool", flags=kernel.ulong)
    with pytest.raises(NotImplementedError, match="page pool"):
        is_pp_page(page)
    del kernel.types["page_pool"]
    kernel.objects["page_pool_destroy"] = Object(kernel.prog, pool, {})
    with pytest.raises(NotImplementedError, match="page pool"):
        is_pp_page(page)


@pytest.mark.parametrize(
    ("magic", "is_pool"),
    [
        (0x40, True),
        (0x41, True),
        (0x42, True),
        (0x43, True),
        (0x44, False),
        (0xC0, False),
    ],
)
def test_pages_of_pools_of_32_bits(magic: int, is_pool: bool) -> None:
    prog = Program(Platform(Architecture.I386))
    ulong = prog.int_type("unsigned long", 4, False)
    page = prog.struct_type("page", 4, [TypeMember(ulong, "pp_magic")])
    assert is_pp_page(Object(prog, page, {"pp_magic": magic})) == is_pool


@pytest.mark.parametrize(
    ("bits", "is_pool"),
    [
        (0, True),
        (1 << 7, True),
        (1 << 38, True),
        (0xFFFFFFFF << 7, True),
        (1 << 39, False),
        (1 << 6, False),
        (1 << 2, False),
    ],
)
def test_pages_of_pools_of_64_bits(kernel: Kernel, bits: int, is_pool: bool) -> None:
    page = kernel.struct("page", pp_magic=kernel.ulong)
    magic = 0xDEAD000000000040 ^ bits
    assert is_pp_page(Object(kernel.prog, page, {"pp_magic": magic})) == is_pool


def test_shared_data_of_socket_buffers(kernel: Kernel) -> None:
    prog = kernel.prog
    kernel.struct("skb_shared_info", nr_frags=kernel.long)
    skb = kernel.struct("sk_buff", head=kernel.pointer, end=kernel.u32)
    value = {"head": LO, "end": 0x180}
    assert skb_shinfo(Object(prog, skb, value)).value_() == LO + 0x180
    # Of what is no buffer, it is an address, too.
    value = {"head": 0xFFFFFFFFFFFFF000, "end": 0x2000}
    assert skb_shinfo(Object(prog, skb, value)).value_() == 0x1000
    # !NET_SKBUFF_DATA_USES_OFFSET
    skb = kernel.struct("sk_buff", head=kernel.pointer, end=kernel.pointer)
    value = {"head": LO, "end": LO + 0x180}
    assert skb_shinfo(Object(prog, skb, value)).value_() == LO + 0x180
