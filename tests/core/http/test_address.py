"""Which addresses are public."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompcore.http import is_public


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::1.1.1.1"])
def test_addresses_of_the_public_internet_may_be_contacted(address: str) -> None:
    assert is_public(ip_address(address), 443)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.31.255.255",
        "192.0.0.192",
        "192.168.1.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "2001:0:7f00:1::",
        "2002:7f00:1::",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_every_other_address_is_refused(address: str) -> None:
    assert not is_public(ip_address(address), 443)


@pytest.mark.parametrize("port", [0, 22, 25, 5432, 6379, 8080])
def test_only_web_ports_of_public_addresses_are_contacted(port: int) -> None:
    assert not is_public(ip_address("1.1.1.1"), port)


@given(st.ip_addresses())
def test_nothing_that_python_knows_as_private_is_public(address: IPv4Address | IPv6Address) -> None:
    if is_public(address, 80):
        assert address.is_global
        assert not address.is_multicast
