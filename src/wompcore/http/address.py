"""Which addresses may be contacted on behalf of a person, a plugin or a model. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

AddressPolicy: TypeAlias = Callable[[IPv4Address | IPv6Address, int], bool]
"""Says whether a connection to this address and port may be opened."""

# Source: IANA special-purpose address registries, entries that are not globally reachable. Written
# out because ``ipaddress.is_global`` differs between Python versions.
_REFUSED_V4 = [
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier's NAT; a cloud's metadata too (100.100.100.200)
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's host agent, on a public address
        "169.254.0.0/16",  # link-local; most clouds' metadata (169.254.169.254)
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; a cloud's metadata (192.0.0.192)
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved and broadcast
    )
]
_GLOBAL_V6 = IPv6Network("2000::/3")  # all other global space is unassigned
_REFUSED_V6 = [
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: carries an IPv4 address
        "3fff::/20",  # documentation
    )
]
_NAT64 = IPv6Network("64:ff9b::/96")  # how an IPv6-only host reaches IPv4 (RFC 6052)

_WEB_PORTS = frozenset({80, 443})
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)


def is_plain_host(host: str) -> bool:
    """Return whether a host is a name, or an address in its usual spelling.

    Decimal, octal, hexadecimal and short IPv4 addresses are told by their last part, as browsers do.
    Source: WHATWG URL, section 3.5, "ends in a number".

    Args:
        host: As in a URL, without brackets.
    """
    last = host.rstrip(".").rpartition(".")[2]
    if ":" not in host and not _NUMBER.fullmatch(last):
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_public(address: IPv4Address | IPv6Address, port: int) -> bool:
    """Return whether a web server on the public internet may be there, the default policy.

    IPv4 addresses dressed as IPv6 (mapped, 6to4, Teredo) are refused; NAT64 is judged by the IPv4
    address it carries.

    Args:
        address: The address about to be connected to.
        port: Its port; only 80 and 443 are allowed (spec 07, section 8).
    """
    if port not in _WEB_PORTS:
        return False
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF), port)
        return address in _GLOBAL_V6 and not any(address in network for network in _REFUSED_V6)
    return not any(address in network for network in _REFUSED_V4)
