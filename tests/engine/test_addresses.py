"""An address is checked before it is used, and loopback is not a matter of spelling."""

from __future__ import annotations

import ipaddress

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.addresses import is_loopback, split_address


@pytest.mark.parametrize(
    "text",
    [
        *("http://[::1/v1", "http://host:abc/v1", "http://host:99999/", "http://[zz]/", "http://"),
        *("http://a..b/", "https://exa mple/", "http://host\t/", "http://host\\@other/"),
        *("http://256.1.1.1/", "http://2130706433/", "http://127.1/", "ftp://host/", "host/v1"),
        *("", "https://:443/", f"https://{'a' * 64}.example/", "http://host/\u202ev1"),
        *("http://\u00b7/", "HTTP://\u00a1", "http://a\u2122/"),
    ],
)
def test_a_malformed_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        split_address(text)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *((name, True) for name in ("localhost", "LOCALHOST", "localhost.", "127.0.0.1", "::1")),
        *((name, True) for name in ("127.1.2.3", "::ffff:127.0.0.1")),
        *((name, False) for name in ("127.evil.com", "localhost.evil.com", "127.0.0.1.evil.com")),
        *((name, False) for name in ("0.0.0.0", "::", "192.168.1.5", "::ffff:192.168.1.5")),
        *((name, False) for name in ("2130706433", "127.1", "0x7f.1", "", "10.0.0.1", "my.local")),
    ],
)
def test_only_addresses_of_this_machine_are_loopback(host: str, local: bool) -> None:
    assert is_loopback(host) is local


@given(st.ip_addresses(v=4))
def test_loopback_agrees_with_the_standard_library(address: ipaddress.IPv4Address) -> None:
    assert is_loopback(str(address)) is address.is_loopback
    assert is_loopback(f"::ffff:{address}") is address.is_loopback


@given(
    st.text(max_size=30)
    | st.builds("http://{}".format, st.text(max_size=20))
    | st.from_regex(r"https?://[\[\]a-c0-9.:@%]{0,12}/?", fullmatch=True)
)
def test_what_is_accepted_the_client_can_use(text: str) -> None:
    try:
        split_address(text)
    except ValueError:
        return
    httpx2.URL(text)
