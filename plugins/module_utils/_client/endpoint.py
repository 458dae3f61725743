# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from .._errors import OptionError

_NAME = r"[^\s/:@?#%\[\]\\]+"
_HOST = re.compile(
    r"(?:(?P<scheme>(?a:https?))://)?"
    rf"(?:\[(?P<v6>[^\]\s]+)\]|(?P<name>{_NAME}))"
    r"(?::(?P<port>[0-9]{1,5}))?/?\Z",
    re.IGNORECASE,
)
_BARE_NAME = re.compile(_NAME + r"\Z")
_INVALID_CHARACTER = re.compile(r"[^A-Za-z0-9_-]")
_MAX_LABEL = 63
_MAX_NAME = 253
_DEFAULT_PORTS = {"https": 443, "http": 80}
PORTS = range(1, 65536)


class Endpoint(NamedTuple):
    """The address at which a host listens; an IPv6 address has no brackets."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, scheme: str, host: str, port: int | None) -> Endpoint:
        """Return an endpoint; its default port depends on the scheme."""
        return cls(scheme, host, port or _DEFAULT_PORTS[scheme])

    def at(self, address: str) -> Endpoint:
        """Return the endpoint with this scheme and port on another host of the pool."""
        return self._replace(host=address)

    @property
    def url(self) -> str:
        """The URL, without a path, and without the port if it is the default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def parse_endpoint(text: str, *, port: int | None) -> Endpoint:
    """Return the endpoint of an element of the option hostname; port is the option port."""
    match = _HOST.match(text.strip())
    # A user may write user:password@host: do not repeat the password in the error.
    value = None if "@" in text else text
    if match is None:
        problem = (
            "is not a valid host; write name, name:port or [IPv6 address], with or without https://"
        )
        raise OptionError("hostname", value=value, problem=problem)
    if match["v6"] is not None and not _is_ipv6(match["v6"].partition("%")[0]):
        raise OptionError(
            "hostname", value=value, problem="does not have a valid IPv6 address in its brackets"
        )
    name_problem = None if match["name"] is None else _find_name_problem(match["name"])
    if name_problem is not None:
        problem = f"{name_problem}; write a DNS name such as xcp1.example.com"
        raise OptionError("hostname", value=value, problem=problem)
    if match["port"] is not None:
        port = int(match["port"])
        if port not in PORTS:
            raise OptionError(
                "hostname", value=value, problem="does not have a port between 1 and 65535"
            )
    scheme = (match["scheme"] or "https").lower()
    return Endpoint.of(scheme, match["v6"] or match["name"], port)


def parse_address(text: str) -> str | None:
    """Return the address by which a member names its master, without brackets; None if invalid.

    The password is sent to this address, so the text must not contain anything else.
    """
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if _is_ipv6(inner):
        return inner
    is_name = _BARE_NAME.match(text) is not None and _find_name_problem(text) is None
    return text if is_name else None


def _find_name_problem(name: str) -> str | None:
    """Return why a name cannot be a DNS name; None if it can.

    One dot at the end is allowed: it disables search domains.
    """
    absolute = name[:-1] if name.endswith(".") else name
    try:
        labels = [_encode_label(label) for label in absolute.split(".")]
    except UnicodeError:
        return "has a label that cannot be encoded for DNS"
    for label in labels:
        if not label:
            return "has an empty label, at its start or between two dots"
        if len(label) > _MAX_LABEL:
            return f"has a label of more than {_MAX_LABEL} characters"
        invalid = _INVALID_CHARACTER.search(label)
        if invalid is not None:
            return f"contains {invalid[0]!r}, which is not allowed in a host name"
    if len(".".join(labels)) > _MAX_NAME:
        return f"is longer than {_MAX_NAME} characters"
    return None


def _encode_label(label: str) -> str:
    # The codec rejects long labels, even those that need no encoding.
    return label if label.isascii() else label.encode("idna").decode("ascii")


def _is_ipv6(text: str) -> bool:
    # Newer versions of Python accept a zone, which is meaningless on another machine.
    if "%" in text:
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
