# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A request as the server reads its header: leniently, and by rules of its own (http_svr.ml)."""

from __future__ import annotations

import urllib.parse
from typing import NamedTuple

from . import html_pages
from .values import lower, ocaml_int64


class HttpRequest(NamedTuple):
    method: str
    path: str
    """Without the percent signs; empty where the request names none."""
    version: str
    """1.0 or 1.1: that of the answer."""
    closes: bool
    headers: dict[str, str]
    """By names in lower case."""
    length: int | None
    """What content-length says."""
    body: bytes = b""

    @classmethod
    def parse(cls, head: bytes) -> HttpRequest:
        """Raises a Page where the server does."""
        first, *lines = head.split(b"\n")
        words = first.split()
        if len(words) != 3:
            raise html_pages.unparsable()
        method, target, version = (_text(word) for word in words)
        if len(version) < len("HTTP/"):
            raise html_pages.exception('Invalid_argument("String.sub / Bytes.sub")')
        version = version[len("HTTP/") :]
        closes = version == "1.0"
        headers = {}
        for line in lines:
            name, colon, value = _text(line).partition(":")
            if colon:
                name, value = lower(name), value.strip()
                if name == "connection" and lower(value) in ("close", "keep-alive"):
                    closes = lower(value) == "close"
                headers[name] = value
        return cls(
            method,
            _path(target),
            "1.0" if version == "1.0" else "1.1",
            closes,
            headers,
            _length(headers),
        )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _path(target: str) -> str:
    """The path of a target, which may be a whole URI."""
    try:
        return urllib.parse.unquote(urllib.parse.urlsplit(target).path)
    except ValueError:
        raise html_pages.unparsable() from None


def _length(headers: dict[str, str]) -> int | None:
    if "content-length" not in headers:
        return None
    length = ocaml_int64(headers["content-length"])
    if length is None:
        raise html_pages.exception('Failure("Int64.of_string")')
    return length
