# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A request as the server reads its header: leniently, and by rules of its own (http_svr.ml)."""

from __future__ import annotations

import base64
import binascii
import urllib.parse
from typing import NamedTuple

from . import html_pages
from .values import ApiError, lower, ocaml_int64


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
    """Value of content-length."""
    target: str
    """Path and parameters, with the percent signs."""
    query: dict[str, str]
    """Parameters of the target, the first of each name."""
    body: bytes = b""

    def parameter(self, name: str) -> str | None:
        """Return a parameter of a cookie, or else of the target."""
        return self.cookies.get(name, self.query.get(name))

    @property
    def cookies(self) -> dict[str, str]:
        """Return the cookies by their names."""
        found = {}
        for part in self.headers.get("cookie", "").split(";"):
            name, equals, value = part.strip().partition("=")
            if equals:
                found[name] = value
        return found

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
            _relative(target),
            _query(target),
        )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _path(target: str) -> str:
    """The path of a target, which may be a whole URI."""
    try:
        return urllib.parse.unquote(urllib.parse.urlsplit(target).path)
    except ValueError:
        raise html_pages.unparsable() from None


def _relative(target: str) -> str:
    parts = urllib.parse.urlsplit(target)
    return urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))


def _query(target: str) -> dict[str, str]:
    """Return the parameters of a target; `_path` has parsed it before."""
    pairs = urllib.parse.parse_qsl(urllib.parse.urlsplit(target).query, keep_blank_values=True)
    return dict(reversed(pairs))


def _length(headers: dict[str, str]) -> int | None:
    if "content-length" not in headers:
        return None
    length = ocaml_int64(headers["content-length"])
    if length is None:
        raise html_pages.exception('Failure("Int64.of_string")')
    return length


def basic_credentials(request: HttpRequest) -> tuple[str, str]:
    """Return the name and the password of an authorization header; refuse a request without."""
    header = request.headers.get("authorization", "")
    scheme, _blank, encoded = header.partition(" ")
    if not header:
        raise ApiError("SESSION_AUTHENTICATION_FAILED")
    if scheme != "Basic":
        text = f'Failure("Unknown authorization header: {header}")'
        raise html_pages.exception(text, version=request.version)
    try:
        decoded = base64.b64decode(encoded, validate=True).decode("utf-8", "replace")
    except binascii.Error:
        raise ApiError("SESSION_AUTHENTICATION_FAILED") from None
    name, _colon, password = decoded.partition(":")
    return name, password
