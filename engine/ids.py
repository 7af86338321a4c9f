"""Identifiers: of our own, sorted by the time they were made, and of calls without one."""

from __future__ import annotations

import secrets
import time


def new_id() -> str:
    """A version-7 UUID (RFC 9562 §5.7): 48 bits of milliseconds, then random bits."""
    bits = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    bits = bits & ~(0xF << 76) | 0x7 << 76
    bits = bits & ~(0x3 << 62) | 0x2 << 62
    text = f"{bits:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def new_call_id() -> str:
    """Return an id for a call to which the server gave none."""
    return f"call_{secrets.token_hex(12)}"
