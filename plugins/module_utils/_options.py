# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible.module_utils.common.parameters import AnsibleFallbackNotFound

from ._errors import OptionError
from ._transport import Endpoint
from ._values import check_elements

_HOST = re.compile(
    r"(?:(?P<scheme>https?)://)?"
    r"(?:\[(?P<v6>[^\]\s]+)\]|(?P<name>[^\s/:@?#\[\]\\]+))"
    r"(?::(?P<port>[0-9]{1,5}))?/?\Z",
    re.IGNORECASE,
)
_PORTS = range(1, 65536)


def first_set_in_environment(*names: str) -> str:
    """The fallback of an option: the first variable that holds anything."""
    for name in names:
        value = os.environ.get(name)
        if value:
            return value
    raise AnsibleFallbackNotFound


def _environment(*names: str) -> tuple[Any, list[str]]:
    return first_set_in_environment, list(names)


def connection_spec() -> dict[str, dict[str, Any]]:
    """The argument spec of the doc fragment connection."""
    return {
        "hostname": {
            "type": "list",
            "elements": "str",
            "required": True,
            "fallback": _environment("XAPI_HOST", "XENSERVER_HOST"),
        },
        "port": {"type": "int", "fallback": _environment("XAPI_PORT")},
        "username": {
            "type": "str",
            "default": "root",
            "fallback": _environment("XAPI_USERNAME", "XENSERVER_USER"),
        },
        "password": {
            "type": "str",
            "no_log": True,
            "fallback": _environment("XAPI_PASSWORD", "XENSERVER_PASSWORD"),
        },
        "validate_certs": {
            "type": "bool",
            "default": True,
            "fallback": _environment("XAPI_VALIDATE_CERTS", "XENSERVER_VALIDATE_CERTS"),
        },
        "ca_path": {"type": "path", "fallback": _environment("XAPI_CA_PATH")},
    }


@dataclass(frozen=True)
class Connection:
    """How to reach the pool, as the options say."""

    endpoints: tuple[Endpoint, ...]
    username: str
    password: str = field(repr=False)
    validate_certs: bool
    ca_path: str | None


def connection_of(params: Mapping[str, Any], *, given: Mapping[str, Any]) -> Connection:
    """The checked options of the connection; given is what the task wrote, before any default."""
    for option in ("hostname", "username", "password"):
        # Core makes a default of a null, or a text, or nothing at all: look at what was written.
        if not params[option] or given.get(option, "") is None:
            raise OptionError(option, problem="is needed, but missing, null or empty")
    check_elements("hostname", given.get("hostname"))
    port = params["port"]
    if port is not None and port not in _PORTS:
        raise OptionError("port", value=port, problem="is no port: they go from 1 to 65535")
    return Connection(
        endpoints=tuple(_endpoint(text, port=port) for text in params["hostname"]),
        username=params["username"],
        password=params["password"],
        validate_certs=params["validate_certs"],
        ca_path=params["ca_path"] or None,
    )


def _endpoint(text: str, *, port: int | None) -> Endpoint:
    match = _HOST.match(text.strip())
    if match is None:
        # Whoever writes user:password@host should not read the password in an error.
        value = None if "@" in text else text
        problem = "is no host: write name, name:port or [IPv6 address], https:// before it or not"
        raise OptionError("hostname", value=value, problem=problem)
    if match["v6"] is not None:
        try:
            ipaddress.IPv6Address(match["v6"].partition("%")[0])
        except ValueError:
            problem = "is no IPv6 address in brackets"
            raise OptionError("hostname", value=text, problem=problem) from None
    if match["port"] is not None:
        port = int(match["port"])
        if port not in _PORTS:
            raise OptionError("hostname", value=text, problem="has no port between 1 and 65535")
    scheme = (match["scheme"] or "https").lower()
    return Endpoint.of(scheme, match["v6"] or match["name"], port)
