# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._errors import OptionError
from ansible_collections.xen.xapi.plugins.module_utils._validators import (
    parse_duration,
    parse_fingerprint,
    parse_ref,
    parse_regex,
    parse_text,
    parse_time,
    parse_uuid,
)

UUID = "12345678-9abc-def0-1234-56789abcdef0"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("90s", 90),
        ("0.5", 0.5),
        ("1.5m", 90),
        ("30m", 1800),
        ("6h", 21600),
        ("2d", 172800),
        ("3650d", 315360000),
        ("1w", 604800),
        ("0.5w", 302400),
        ("1h30m", 5400),
        ("1w2d3h4m5s", 788645),
        ("90m1s", 5401),
    ],
)
def test_parses_durations_to_seconds(written, seconds):
    assert parse_duration("timeout", written) == seconds


@pytest.mark.parametrize(
    "written",
    [
        *("", " ", "-1", "+1", "1 s", "s", "1S", "30m1h", "1h1h", "1,5", ".5", "1.", "1e3", "inf"),
        *(
            "nan",
            "True",
            "['5']",
            "٣",
            "3651d",
            "9" * 400,
            "1h" + "9" * 5000 + "m",
            "999999999w1d",
            "1.5h30m",
        ),
    ],
)
def test_invalid_durations_are_rejected(written):
    with pytest.raises(OptionError) as raised:
        parse_duration("timeout", written)
    assert raised.value.option == "timeout"
    assert raised.value.value == written


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:01:00.999Z", 60),
        ("1970-01-01 01:00:00+01:00", 0),
        ("1970-01-01T01:00:00+0100", 0),
        ("1970-01-01T01:00:00+01", 0),
        ("1969-12-31T23:30:00-00:30", 0),
        ("2026-11-23T10:11:12Z", 1795428672),
    ],
)
def test_parses_timestamps_with_offset(written, moment):
    assert parse_time("created_after", written) == moment


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("2026-11-23T10:11:12", "no UTC offset"),
        ("2026-11-23", "not a valid time"),
        ("10:11:12Z", "not a valid time"),
        ("20261123T10:11:12Z", "not a valid time"),
        ("2026-02-30T10:11:12Z", "day"),
        ("2026-11-23T25:11:12Z", "not a valid time"),
        ("2026-11-23T10:11:12+25:00", "not a valid time"),
        ("2026-11-23T10:11:12+14:60", "not a valid time"),
        ("0001-01-01T00:00:00+14:00", "not a valid time"),
        ("9999-12-31T23:59:59-00:01", "not a valid time"),
        ("now", "not a valid time"),
        ("", "empty"),
        (["2026-11-23T10:11:12Z"], "list"),
    ],
)
def test_invalid_timestamps_are_rejected(written, problem):
    with pytest.raises(OptionError) as raised:
        parse_time("created_after", written)
    assert problem in raised.value.problem


@pytest.mark.parametrize(
    ("read", "written", "value"),
    [
        (parse_uuid, UUID, UUID),
        (parse_uuid, UUID.upper(), UUID),
        (parse_ref, f"OpaqueRef:{UUID}", f"OpaqueRef:{UUID}"),
        (parse_text, "Async.VM.snapshot", "Async.VM.snapshot"),
        (parse_text, "a b", "a b"),
    ],
)
def test_accepts_valid_uuids_refs_and_strings(read, written, value):
    assert read("option", written) == value


@pytest.mark.parametrize("read", [parse_uuid, parse_ref, parse_text, parse_regex])
@pytest.mark.parametrize("written", ["", " ", " x", "x\n", None, 5, True, ["x"], {"x": "y"}])
def test_blank_padded_or_non_string_values_are_rejected(read, written):
    with pytest.raises(OptionError):
        read("option", written)


@pytest.mark.parametrize(
    ("read", "written"),
    [
        (parse_uuid, UUID[:-1]),
        (parse_uuid, UUID + "0"),
        (parse_uuid, UUID.replace("-", "")),
        (parse_uuid, f"OpaqueRef:{UUID}"),
        (parse_ref, UUID),
        (parse_ref, "OpaqueRef:NULL"),
        (parse_ref, f"opaqueref:{UUID}"),
        (parse_ref, f"OpaqueRef:{UUID.upper()}"),
        (parse_ref, f"DummyRef:|{UUID}|task.cancel"),
    ],
)
def test_malformed_uuid_or_ref_error_shows_example(read, written):
    with pytest.raises(OptionError) as raised:
        read("option", written)
    assert "such as" in raised.value.problem


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (".*", "empty string"),
        ("a*", "empty string"),
        ("|x", "empty string"),
        ("^", "empty string"),
        ("$", "empty string"),
        ("(?:)", "empty string"),
        ("(", "not a valid regular expression"),
        ("*", "not a valid regular expression"),
        ("a{9999999999}", "not a valid regular expression"),
        ("(?a)(?u)a", "not a valid regular expression"),
    ],
)
def test_malformed_or_empty_matching_regexes_are_rejected(written, problem):
    with pytest.raises(OptionError) as raised:
        parse_regex("name_regex", written)
    assert problem in raised.value.problem


def test_valid_regex_is_compiled():
    assert parse_regex("name_regex", "VM\\..+").search("Async.VM.start")


@pytest.mark.parametrize(
    "written",
    ["0a" * 32, "0A" * 32, ":".join(["0a"] * 32), "SHA256:" + "0a" * 32, "sha256:" + "0A" * 32],
)
def test_fingerprint_notations_are_normalized(written):
    assert parse_fingerprint("cert_fingerprint", written) == ":".join(["0A"] * 32)


@pytest.mark.parametrize(
    "written",
    [
        *("", "0a" * 31, "0a" * 33, "0g" * 32, "0a" * 32 + "\n", ":".join(["0a"] * 31)),
        *("0a:" * 32, ":".join(["0a0a"] * 16), "SHA1:" + "0a" * 32, "0a" * 20),
        "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
    ],
)
def test_invalid_fingerprints_are_rejected(written):
    with pytest.raises(OptionError) as raised:
        parse_fingerprint("cert_fingerprint", written)
    assert raised.value.value == written
