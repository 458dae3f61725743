# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._errors import LibraryMissing, OptionError
from ansible_collections.xen.xapi.plugins.module_utils._events.options import (
    InvalidOptions,
    parse_source_options,
)
from ansible_collections.xen.xapi.plugins.module_utils._events.source import describe_failure

MINIMUM = {"hostname": "xcp1", "password": "secret"}


def parse(**options):
    return parse_source_options({**MINIMUM, **options})


def message_for(**options):
    with pytest.raises((OptionError, InvalidOptions)) as caught:
        parse(**options)
    return describe_failure(caught.value)


def test_defaults():
    options = parse()
    assert options.connection.endpoints[0].url == "https://xcp1"
    assert options.selection.excludes_housekeeping
    assert (options.stalled_after, options.long_running_after) == (None, None)
    assert (options.method, options.poll_interval, options.buffer_size) == ("auto", 2.0, 10000)


def test_values_are_parsed():
    options = parse(
        hostname=["xcp1", "xcp2"],
        kind=["backup"],
        stalled_after=1800,
        long_running_after="6h",
        poll_interval="0.5",
        # YAML makes a time of an unquoted one.
        created_after=datetime(2026, 11, 23, 10, 11, 12, tzinfo=UTC),
    )
    assert len(options.connection.endpoints) == 2
    assert options.selection.kind == {"backup"}
    assert not options.selection.excludes_housekeeping
    assert (options.stalled_after, options.long_running_after) == (1800.0, 21600.0)
    assert options.poll_interval == 0.5
    assert options.selection.created_after == 1795428672.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hostname": ""}, "argument 'hostname': '' is not a valid host; write name"),
        ({"hostname": []}, "argument 'hostname' is required, but missing or empty."),
        ({"password": ""}, "argument 'password' is required, but missing or empty."),
        ({"password": None}, "argument 'password' is null; leave it out, or use omit."),
        ({"stalled_after": "soon"}, "argument 'stalled_after': 'soon' is not a valid duration"),
        ({"stalled_after": 0}, "argument 'stalled_after': '0' is zero, so every task"),
        ({"long_running_after": "x"}, "argument 'long_running_after': 'x' is not a valid"),
        ({"poll_interval": 31}, "argument 'poll_interval': '31' is not from 0.1 to 30 s."),
        ({"poll_interval": "0.01"}, "argument 'poll_interval': '0.01' is not from 0.1"),
        ({"buffer_size": 0}, "argument 'buffer_size': 0 is not from 1 to 1000000 events."),
        ({"buffer_size": True}, "argument 'buffer_size': True is not a number."),
        ({"method": "push"}, "value of method must be one of: auto, events, poll, got: push"),
        ({"kind": ["backups"]}, "value of kind must be one or more of"),
        ({"name_regex": "(["}, "argument 'name_regex': '([' is not a valid regular"),
        ({"name_label": "a", "name_regex": "b"}, "parameters are mutually exclusive: name_label"),
        ({"uuid": []}, "argument 'uuid' names tasks that exist already; wait for them with"),
        ({"ref": "x"}, "argument 'ref' names tasks that exist already; wait for them with"),
        ({"subtask_of": "x"}, "argument 'subtask_of' names tasks that exist already"),
        ({"min_age": "1h"}, "argument 'min_age' would select a task at some times only; use"),
        ({"max_age": "1h"}, "argument 'max_age' would select a task at some times only; use"),
        ({"cancellable": True}, "argument 'cancellable' would select a task at some times"),
        ({"status": ["failure"]}, "argument 'status' is not needed: each event has the status"),
        ({"hosts": "x"}, "Unsupported options: hosts. Supported parameters include: "),
        ({"object": {"type": "VM"}}, "one of the following is required: uuid, name_label"),
    ],
)
def test_wrong_option_is_named_with_value_and_remedy(options, message):
    assert message in message_for(**options)


@pytest.mark.parametrize("password", [100000.0, 12345, ["x"], {"x": 1}, True])
def test_password_that_a_template_turned_into_a_number_is_rejected_unseen(password):
    message = message_for(password=password)
    assert message.startswith("argument 'password' is not a string; templates in rulebooks")
    assert str(password) not in message


def test_hostname_is_required(monkeypatch):
    monkeypatch.delenv("XAPI_HOST", raising=False)
    with pytest.raises(InvalidOptions) as caught:
        parse_source_options({})
    assert describe_failure(caught.value) == "missing required arguments: hostname"


def test_environment_has_the_connection(monkeypatch):
    monkeypatch.setenv("XAPI_HOST", "xcp1,xcp2")
    monkeypatch.setenv("XAPI_PASSWORD", "secret")
    options = parse_source_options({})
    assert [endpoint.host for endpoint in options.connection.endpoints] == ["xcp1", "xcp2"]


def test_missing_library_is_named():
    text = describe_failure(LibraryMissing("requests", details="x"))
    assert re.match("The Python library requests is missing: install it", text)
