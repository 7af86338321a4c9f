"""Addresses of servers: whether one is well formed, and whether it stays on this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit


def split_address(text: str) -> SplitResult:
    """Split an `http` or `https` address that has a usable host and port.

    Raises `ValueError` saying what is wrong. `urlsplit` alone accepts much that fails only when a
    connection is made, such as spaces, empty host labels and ports that are not numbers.
    """
    if not text.isprintable() or any(
        character.isspace() or character == "\\" for character in text
    ):
        raise ValueError("it contains a space, a backslash or a character that cannot be seen")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError(str(error)) from None
    if parts.scheme not in ("https", "http") or not host:
        raise ValueError("it should begin with https:// (or http://) and name a host")
    if parts.netloc.endswith("]") or parts.netloc.rpartition(":")[0].endswith("]"):
        _check_ip(host)
    elif host.replace(".", "").isdecimal():
        _check_ip(host)  # "2130706433" and "127.1" mean an address only to some programs
    else:
        try:
            host.rstrip(".").encode("idna")
            if not host.isascii():
                _check_as_client(text)
        except ValueError:  # which `UnicodeError` is
            raise ValueError(f"{host!r} is not the name of a host") from None
    return parts


def is_loopback(host: str) -> bool:
    """Whether what is sent to `host` cannot leave this machine.

    Names other than `localhost` are not resolved, since the answer could differ later.
    """
    if host.casefold().rstrip(".") == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def is_in_the_clear(url: str) -> bool:
    """Whether what is sent to this address can be read on its way to another machine."""
    parts = urlsplit(url)
    return parts.scheme.casefold() == "http" and not is_loopback(parts.hostname or "")


def _check_as_client(url: str) -> None:
    """Raise `ValueError` for a name that the HTTP client does not take: it knows IDNA 2008, the
    standard library that of 2003."""
    import httpx2  # not at every start: such names are rare

    try:
        httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ValueError(str(error)) from None


def _check_ip(host: str) -> None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(f"{host!r} is not an IP address") from None
