"""Which addresses are public."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.outgoing.addresses import is_public

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2001:4860:4860::8888",
    "2a00:1450:4001::1",
    "3ffe::1",
    "::ffff:8.8.8.8",
    "::8.8.8.8",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::8.8.8.8",
    "2002:808:808::1",
    "2001:0:808:808:0:0:f7f7:f7f7",
]
NOT_PUBLIC = {
    "unspecified": ["0.0.0.0", "0.1.2.3", "::"],
    "private": ["10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255"],
    "loopback": ["127.0.0.1", "127.1.2.3", "127.255.255.255", "::1"],
    "link-local": ["169.254.0.1", "169.254.169.254", "fe80::1", "febf::1"],
    "carrier's NAT": ["100.64.0.1", "100.127.255.255"],
    "assignments": ["192.0.0.1", "192.0.0.8", "192.0.0.171", "192.88.99.1", "2001:1::1", "2001:20::1"],
    "documentation": ["192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::1", "3fff::1"],
    "benchmarking": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.254", "255.255.255.255", "4000::1", "5f00::1", "8000::1", "e000::1"],
    "unique local": ["fc00::1", "fd12:3456::1", "fdff::1"],
    "site-local": ["fec0::1", "feff::1"],
    "discard": ["100::1", "100:0:0:1::1"],
    "mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:7f00:1", "::ffff:169.254.169.254", "::ffff:0.0.0.0"],
    "compatible": ["::127.0.0.1", "::10.0.0.1", "::0.0.0.2"],
    "translated": ["::ffff:0:8.8.8.8", "::ffff:0:127.0.0.1"],
    "NAT64": ["64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:0:0:1::808:808"],
    "NAT64 for local use": ["64:ff9b:1::10.0.0.1", "64:ff9b:1:7f00:0:100::", "64:ff9b:1:7f00:0:100:808:808"],
    "6to4": ["2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:101::1", "2002::"],
    "Teredo, private server": ["2001:0:7f00:1::f7f7:f7f7", "2001:0:a00:1:0:0:f7f7:f7f7"],
    "Teredo, private client": ["2001:0:808:808:0:0:80ff:fffe", "2001:0:808:808:0:0:f5ff:fffe"],
    "zone": ["fe80::1%eth0", "2606:4700::1%1", "::1%lo", "2606:4700::1%"],
    "none at all": [
        "",
        "localhost",
        "127.1",
        "1.1.1",
        "16843009",
        "0x8.8.8.8",
        "010.8.8.8",
        "8.8.8.8 ",
        "8.8.8.8\n",
        "8.8.8.8/32",
        "[2606:4700::1]",
        "８.8.8.8",
        "8.8.8.8\0",
        "1.1.1.1.",
    ],
}


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("kind", "address"), [(kind, address) for kind, addresses in NOT_PUBLIC.items() for address in addresses]
)
def test_what_is_not(kind: str, address: str) -> None:
    assert not is_public(address), kind


@settings(deadline=None)
@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_as_public_in_every_dress(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    dresses = [
        ipaddress.IPv6Address(number),
        ipaddress.IPv6Address(0xFFFF << 32 | number),
        ipaddress.IPv6Address(0x64FF9B << 96 | number),
        ipaddress.IPv6Address(0x2002 << 112 | number << 80),
        ipaddress.IPv6Address(0x20010000 << 96 | 0x08080808 << 64 | (number ^ 0xFFFFFFFF)),
    ]
    assert {is_public(str(dress)) for dress in dresses} == {is_public(str(address))}


@settings(deadline=None)
@given(st.ip_addresses())
def test_python_calls_nothing_private_that_we_call_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if is_public(str(address)) and not address.is_reserved and str(address)[:7] != "2001:0:":
        assert address.is_global or ipaddress.ip_address(address) in ipaddress.ip_network("2001::/32")


@settings(deadline=None)
@given(st.text())
def test_any_text_gets_an_answer(text: str) -> None:
    assert is_public(text) in {True, False}
