# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An empty dynamic disk in Microsoft's Virtual Hard Disk format, version 1.0."""

from __future__ import annotations

import struct
import uuid

SECTOR = 512
BLOCK = 2 * 1024 * 1024
_FOOTER = struct.Struct(">8sIIQI4sI4sQQHBBII16sB427x")
_HEADER = struct.Struct(">8sQQIIII16s4x4x512x192x256x")
_DYNAMIC = 3
_NO_OFFSET = 0xFFFFFFFFFFFFFFFF
_NO_BLOCK = b"\xff\xff\xff\xff"


def empty(size: int) -> bytes:
    """Return a disk of a size in bytes that holds no block of data."""
    blocks = -(-size // BLOCK)
    footer = _footer(size)
    table = _NO_BLOCK * blocks
    table += b"\xff" * (-len(table) % SECTOR)
    return footer + _header(blocks) + table + footer


def _footer(size: int) -> bytes:
    fields = [
        b"conectix", 2, 0x10000, SECTOR, 0, b"sim ", 0x10000, b"Wi2k", size, size,
        *_geometry(size), _DYNAMIC, 0, uuid.uuid4().bytes, 0,
    ]  # fmt: skip
    return _summed(_FOOTER, fields, 13)


def _header(blocks: int) -> bytes:
    table_offset = SECTOR + _HEADER.size
    fields = [b"cxsparse", _NO_OFFSET, table_offset, 0x10000, blocks, BLOCK, 0, b""]
    return _summed(_HEADER, fields, 6)


def _summed(layout: struct.Struct, fields: list[object], place: int) -> bytes:
    """Return packed fields with the complement of their sum in one of them."""
    fields[place] = ~sum(layout.pack(*fields)) & 0xFFFFFFFF
    return layout.pack(*fields)


def _geometry(size: int) -> tuple[int, int, int]:
    """Return cylinders, heads and sectors of a track, as the format computes them."""
    sectors = min(size // SECTOR, 65535 * 16 * 255)
    if sectors >= 65535 * 16 * 63:
        return sectors // 255 // 16, 16, 255
    for heads, track in ((4, 17), (16, 31), (16, 63)):
        heads = max(heads, -(-(sectors // track) // 1024)) if track == 17 else heads
        if heads <= 16 and sectors // track < heads * 1024:
            return sectors // track // heads, heads, track
    return sectors // 63 // 16, 16, 63
