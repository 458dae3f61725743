# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of a playbook: a bad option must end as an error that names it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NoReturn

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import strategies as st

from ansible_collections.xen.xapi.plugins.module_utils._client.endpoint import PORTS, parse_endpoint
from ansible_collections.xen.xapi.plugins.module_utils._client.options import (
    parse_connection_options,
)
from ansible_collections.xen.xapi.plugins.module_utils._errors import OptionError
from ansible_collections.xen.xapi.plugins.module_utils._messages import error_message
from ansible_collections.xen.xapi.plugins.module_utils._tasks.options import SELECTOR_EXCLUSIVE
from ansible_collections.xen.xapi.plugins.module_utils._validators import (
    parse_duration,
    parse_fingerprint,
    parse_ref,
    parse_regex,
    parse_text,
    parse_time,
    parse_uuid,
)
from ansible_collections.xen.xapi.tests.fuzzing.json_values import TEXTS, VALUES, as_json
from ansible_collections.xen.xapi.tests.fuzzing.runner import Target
from ansible_collections.xen.xapi.tests.support.module_runner import SPECS, WORK
from ansible_collections.xen.xapi.tests.support.samples import REF, UUID

DURATIONS = st.one_of(
    st.sampled_from(
        ["0", "90", "30m", "2d", "1e3", "-1", "٣", "0.1", "3651d", "9" * 400, "1.", "ｍ"]
    ),
    st.from_regex(r"\A[0-9]{1,4}(\.[0-9]{1,3})?[smhdx]?\Z"),
)
TIMES = st.one_of(
    st.sampled_from(
        [
            "0001-01-01T00:00:00+23:59",
            "9999-12-31T23:59:59-23:59",
            "2026-11-23T10:11:12",
            "2026-02-30T10:11:12Z",
            "2026-11-23T23:59:60Z",
            "2026-11-23T10:11:12+99:99",
            "٢٠٢٦-11-23T10:11:12Z",
        ]
    ),
    st.from_regex(
        r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:?[0-9]{2})\Z"
    ),
)
REGEXES = st.one_of(
    st.sampled_from(
        [
            "(",
            "(?L)a",
            "(?au)a",
            "(?a)(?u)a",
            "a{99999999999}",
            "a{4294967295}{4294967295}",
            "[[a]",
            "(?P<a>b)(?P<a>c)",
            r"\N{NO SUCH}",
            r"\1",
            "(?(1)a|b)",
            "a*",
            "(?<=a+)b",
            r"\d++",
            r"\Z",
        ]
    ),
    st.sampled_from([50, 5000]).map(lambda depth: "(" * depth + "a" + ")" * depth),
    st.text("ab()[]{}?*+|\\^$.,-:<>=!P0189LuaiNx", max_size=10),
)
HOSTS = st.one_of(
    st.sampled_from(
        [
            "xcp1",
            "httpſ://xcp1",
            "HTTPS://xcp1:443/",
            "http://xcp1",
            "[::1]:80",
            "[fe80::1%eth0]",
            "a:b@c",
            "xcp1:0",
            "xcp1:65536",
            "xcp1:٨٠",
            "℀",
            "ex\x00mple",
            "[1.2.3.4]",
            "xcp1/?#",
        ]
    ),
    st.text("ab:.[]/@%#?1 \x00ſé", max_size=10),
)
STATUSES = st.sampled_from(["pending", "success", "failure", "cancelled", "cancelling", "other"])
IDENTITIES = st.sampled_from([UUID, UUID.upper(), REF, REF[:-1], "OpaqueRef:NULL", f" {UUID}"])
NUMBERS = st.one_of(st.integers(), st.sampled_from([0, 1, -1, 65535, 65536, 2**63, "1", True]))
METHODS = st.sampled_from(
    [
        *("VM.snapshot", "VM.migrate_send", "VM.set_memory", "VM.create", "VDI.set_managed"),
        *("host.evacuate", "message.get_since", "weather.get_rain", "session.logout", "VM"),
    ]
)
ARGUMENTS = st.one_of(
    IDENTITIES,
    NUMBERS,
    TIMES,
    st.booleans(),
    st.fixed_dictionaries(
        {"class": st.sampled_from(["VM", "host", "vm", "V M", 5])},
        optional={"uuid": IDENTITIES, "name_label": TEXTS, "x": TEXTS},
    ),
    st.lists(IDENTITIES, max_size=2),
    st.dictionaries(TEXTS, VALUES, max_size=2),
)
FITTING: dict[str, st.SearchStrategy[Any]] = {
    "hostname": st.one_of(HOSTS, st.lists(HOSTS, max_size=2)),
    "port": NUMBERS,
    "cert_fingerprint": st.lists(
        st.one_of(TEXTS, st.sampled_from(["ab" * 32, "sha256:" + ":".join(["AB"] * 32)])),
        max_size=2,
    ),
    "session_ref": IDENTITIES,
    "pool_uuid": IDENTITIES,
    "uuid": st.lists(IDENTITIES, max_size=2),
    "ref": st.lists(IDENTITIES, max_size=2),
    "name_regex": REGEXES,
    "exclude": st.one_of(REGEXES, st.lists(REGEXES, max_size=2)),
    "created_after": TIMES,
    "created_before": TIMES,
    "object": st.fixed_dictionaries(
        {"type": st.sampled_from(["VM", "host", "vm", "pool"])},
        optional={"uuid": IDENTITIES, "name_label": TEXTS},
    ),
    "subtask_of": IDENTITIES,
    "resident_on": st.one_of(IDENTITIES, TEXTS),
    "other_config": st.dictionaries(TEXTS, VALUES, max_size=2),
    "status": st.lists(STATUSES, max_size=2),
    "expect": st.lists(STATUSES, max_size=2),
    "method": METHODS,
    "args": st.lists(ARGUMENTS, max_size=4),
    "limit": NUMBERS,
    "max_tasks": NUMBERS,
    **dict.fromkeys(
        ("min_age", "max_age", "quiet_for", "timeout", "poll_interval", "idle_for"), DURATIONS
    ),
    "request_timeout": DURATIONS,
}


class Reached(Exception):
    """The options are good, and the pool would be asked now."""


def refusal_of(read: Callable[[], object]) -> OptionError | None:
    """Return the error of an option, which names it; None if it is accepted."""
    try:
        read()
    except Reached:
        return None
    except OptionError as error:
        message = error_message(error)
        as_json(message)
        if error.option in message:
            return error
        raise
    return None


def values_of(option: str, spec: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Mostly values that nearly fit an option, and sometimes any value."""
    fitting = FITTING.get(option, TEXTS)
    if "choices" in spec:
        fitting = st.sampled_from(spec["choices"])
    elif spec["type"] == "bool":
        fitting = st.booleans()
    return st.one_of(fitting, fitting, fitting, VALUES)


@st.composite
def options_of(draw: st.DrawFn, module: str) -> dict[str, Any]:
    """The options of one task in a playbook; the connection is mostly right."""
    spec = SPECS[module]
    names = st.lists(st.sampled_from(sorted(spec)), max_size=4, unique=True)
    options: dict[str, Any] = {"hostname": "xcp1", "password": "secret"}
    if "uuid" in spec and draw(st.booleans()):
        options["uuid"] = [UUID]
    if "method" in spec:
        options["method"] = draw(METHODS)
    for name in draw(names):
        options[name] = draw(values_of(name, spec[name]))
    return options


def check_module(given: tuple[str, dict[str, Any]]) -> None:
    """Core's own checks come first, as in a module; then ours, up to the first request."""
    module, options = given
    validator = ArgumentSpecValidator(SPECS[module], mutually_exclusive=SELECTOR_EXCLUSIVE)
    try:
        checked = validator.validate(dict(options))
        params = checked.validated_parameters
        json.dumps(params)
    except (OverflowError, TypeError, ValueError):
        # Core itself stumbles over some: a number where a dict is meant, infinity for an int, and
        # what is too long for it to print.
        return
    if checked.error_messages:
        return

    def connect() -> NoReturn:
        connection = parse_connection_options(params, raw_params=options)
        assert connection.request_timeout > 0
        for endpoint in connection.endpoints:
            assert endpoint.port in PORTS
        raise Reached

    run = SimpleNamespace(
        params=params, raw_params=options, connect=connect, check_mode=False, clock=time.monotonic
    )
    run.warn = run.sleep = print
    error = refusal_of(lambda: WORK[module](run))
    named = [] if error is None else error.option.split(", ")
    # An argument of call is named by its place, such as args[0].uuid.
    assert {re.split(r"[.[]", option)[0] for option in named} <= SPECS[module].keys()


READERS: dict[str, Callable[[str, Any], Any]] = {
    reader.__name__: reader
    for reader in (
        parse_fingerprint,
        parse_time,
        parse_ref,
        parse_regex,
        parse_duration,
        parse_text,
        parse_uuid,
    )
}


def check_value(given: tuple[str, Any]) -> None:
    """The meaning of a single value: the reader returns it, or names the option."""
    reader, value = given
    error = refusal_of(lambda: READERS[reader]("the_option", value))
    assert error is None or error.option == "the_option"


def check_host(given: tuple[str, int | None]) -> None:
    text, port = given
    error = refusal_of(lambda: parse_endpoint(text, port=port))
    if error is None:
        url = parse_endpoint(text, port=port).url
        assert url.startswith(("https://", "http://"))
        assert "@" not in url
    else:
        assert error.option == "hostname"
        assert "@" not in error_message(error)


TARGETS = [
    *(
        Target(f"options of {module}", st.tuples(st.just(module), options_of(module)), check_module)
        for module in SPECS
    ),
    Target(
        "single values",
        st.tuples(
            st.sampled_from(sorted(READERS)),
            st.one_of(REGEXES, DURATIONS, TIMES, IDENTITIES, TEXTS, VALUES),
        ),
        check_value,
        2,
    ),
    Target("hosts of hostname", st.tuples(HOSTS, st.sampled_from([None, 1, 65535])), check_host),
]
