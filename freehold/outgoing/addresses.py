"""Which IP addresses are public. Pure.

From IANA's registries of special-purpose IPv4 and IPv6 addresses, written out: what Python's ``ipaddress`` knows of
them differs from release to release, and errs on the side of "global".
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network

_NOT_PUBLIC_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a carrier's NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local; metadata of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays, withdrawn
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
# Outside of it, IPv6 has nothing public: loopback, unique local, link-local, site-local, multicast, discard-only.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments: benchmarking, ORCHID
        "2001:db8::/32",  # documentation
        "3fff::/20",
    )
)
_TEREDO = IPv6Network("2001::/32")
_SIX_TO_FOUR = IPv6Network("2002::/16")
# An IPv4 address in the last 32 bits. Of the NAT64 prefix for local use only that form is known; how any other is
# read, its network decides, so the rest of 64:ff9b:1::/48 counts as not public.
_EMBEDDING = tuple(
    IPv6Network(network)
    for network in (
        "::/96",  # IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/96",
    )
)


def is_public(address: str) -> bool:
    """Whether it is an address of the public internet; false for what is no address, or has a zone.

    An IPv6 address that stands for IPv4 addresses is as public as these are.
    """
    try:
        return _is_public_4(IPv4Address(address))
    except AddressValueError:
        pass
    try:
        return _is_public_6(IPv6Address(address))
    except AddressValueError:
        return False


def _is_public_4(address: IPv4Address) -> bool:
    return not any(address in network for network in _NOT_PUBLIC_4)


def _is_public_6(address: IPv6Address) -> bool:
    if address.scope_id is not None:
        return False
    if embedded := _embedded(address):
        return all(map(_is_public_4, embedded))
    return address in _GLOBAL_UNICAST and not any(address in network for network in _NOT_PUBLIC_6)


def _embedded(address: IPv6Address) -> tuple[IPv4Address, ...]:
    number = int(address)
    if any(address in network for network in _EMBEDDING):
        return (IPv4Address(number & 0xFFFFFFFF),)
    if address in _SIX_TO_FOUR:
        return (IPv4Address(number >> 80 & 0xFFFFFFFF),)
    if address in _TEREDO:  # RFC 4380, section 4: the server, and the client with its bits inverted
        return IPv4Address(number >> 64 & 0xFFFFFFFF), IPv4Address(~number & 0xFFFFFFFF)
    return ()
