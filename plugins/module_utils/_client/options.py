# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping

from ansible.module_utils.common.parameters import AnsibleFallbackNotFound

from .._errors import OptionError
from .._validators import (
    check_elements,
    parse_duration,
    parse_fingerprint,
    parse_ref,
    parse_uuid,
)
from .endpoint import PORTS, Endpoint, parse_endpoint

_MAX_REQUEST = 86400


def read_environment(*names: str) -> str:
    """Return the first of the variables that is not empty: the fallback of an option."""
    for name in names:
        value = os.environ.get(name)
        if value:
            return value
    raise AnsibleFallbackNotFound


def read_fallbacks(argument_spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each option with each environment variable that it can be read from, used or not."""
    for option, spec in argument_spec.items():
        for name in spec["fallback"][1] if "fallback" in spec else ():
            yield option, os.environ.get(name, "")


def _define_option(kind: str, *variables: str, **settings: Any) -> dict[str, Any]:
    """Return the spec of an option; the first of the variables with a value is its fallback."""
    if variables:
        settings["fallback"] = (read_environment, list(variables))
    return {"type": kind, **settings}


def connection_spec() -> dict[str, dict[str, Any]]:
    """Return the argument spec of the doc fragment connection."""
    option = _define_option
    return {
        "hostname": option("list", "XAPI_HOST", "XENSERVER_HOST", elements="str", required=True),
        "port": option("int", "XAPI_PORT"),
        "username": option("str", "XAPI_USERNAME", "XENSERVER_USER", default="root"),
        "password": option("str", "XAPI_PASSWORD", "XENSERVER_PASSWORD", no_log=True),
        "validate_certs": option(
            "bool", "XAPI_VALIDATE_CERTS", "XENSERVER_VALIDATE_CERTS", default=True
        ),
        "ca_path": option("path", "XAPI_CA_PATH"),
        "cert_fingerprint": option("list", "XAPI_CERT_FINGERPRINT", elements="str"),
        "session_ref": option("str", no_log=True),
        "pool_uuid": option("str", "XAPI_POOL_UUID"),
        "request_timeout": option("str", "XAPI_REQUEST_TIMEOUT", default="30"),
        "follow_master": option("bool", "XAPI_FOLLOW_MASTER", default=True),
    }


@dataclass(frozen=True)
class ConnectionOptions:
    """The checked options of the connection."""

    endpoints: tuple[Endpoint, ...]
    username: str
    password: str | None = field(repr=False)
    session_ref: str | None = field(repr=False)
    validate_certs: bool
    ca_path: str | None
    fingerprints: tuple[str, ...]
    pool_uuid: str | None
    request_timeout: float
    follow_master: bool


def parse_connection_options(
    params: Mapping[str, Any], *, raw_params: Mapping[str, Any]
) -> ConnectionOptions:
    """Return the checked options; raw_params has the options as the task wrote them."""
    session_ref = _parse_session_ref(params["session_ref"])
    for option in ("hostname", "username", *(["password"] if session_ref is None else [])):
        if not params[option]:
            raise OptionError(option, problem="is required, but missing or empty")
    check_elements("hostname", raw_params.get("hostname"))
    port, pool_uuid = params["port"], params["pool_uuid"]
    if port is not None and port not in PORTS:
        raise OptionError(
            "port", value=port, problem="is not a valid port; write a number from 1 to 65535"
        )
    endpoints = tuple(parse_endpoint(text, port=port) for text in params["hostname"])
    return ConnectionOptions(
        endpoints=endpoints,
        username=params["username"],
        password=params["password"],
        session_ref=session_ref,
        validate_certs=params["validate_certs"],
        ca_path=params["ca_path"] or None,
        fingerprints=_parse_fingerprints(
            params["cert_fingerprint"], endpoints, raw_params=raw_params
        ),
        pool_uuid=None if pool_uuid is None else parse_uuid("pool_uuid", pool_uuid),
        request_timeout=_parse_request_timeout(params["request_timeout"]),
        follow_master=params["follow_master"],
    )


def _parse_session_ref(text: str | None) -> str | None:
    try:
        return None if text is None else parse_ref("session_ref", text)
    except OptionError as error:
        # Leave the value out: even a malformed one may contain most of a valid reference.
        raise OptionError("session_ref", problem=error.problem) from None


def _parse_fingerprints(
    texts: list[str] | None, endpoints: tuple[Endpoint, ...], *, raw_params: Mapping[str, Any]
) -> tuple[str, ...]:
    option = "cert_fingerprint"
    check_elements(option, raw_params.get(option))
    if texts is None:
        return ()
    if not texts:
        raise OptionError(option, problem="is an empty list; use omit to leave it out")
    for endpoint in endpoints:
        if endpoint.scheme == "http":
            problem = f"cannot be checked on {endpoint.url}, which has no certificate"
            raise OptionError(option, problem=problem)
    return tuple(parse_fingerprint(option, text.strip()) for text in texts)


def _parse_request_timeout(text: str) -> float:
    option = "request_timeout"
    seconds = parse_duration(option, text)
    if seconds == 0:
        raise OptionError(option, value=text, problem="leaves no time for a request")
    if seconds > _MAX_REQUEST:
        raise OptionError(option, value=text, problem="is longer than a day")
    return seconds
