# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, timezone
from typing import Any, Iterable, Mapping

from ._errors import OptionError

_HEX = "[0-9a-f]"
_UUID_FORM = f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_UUID = re.compile(_UUID_FORM + r"\Z")
_REF = re.compile("OpaqueRef:" + _UUID_FORM + r"\Z")
_EXAMPLE = "12345678-9abc-def0-1234-56789abcdef0"
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)([wdhms]?)\Z", re.ASCII)
_COMBINED = re.compile("".join(rf"(?:([0-9]{{1,9}}){unit})?" for unit in "wdhms") + r"\Z", re.ASCII)
_UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_MAX_DURATION = 10 * 365 * 86400
_NEVER = "never"
_FINGERPRINT = re.compile(
    rf"(?:sha256:)?(?P<digits>{_HEX}{{64}}|{_HEX}{{2}}(?::{_HEX}{{2}}){{31}})\Z", re.IGNORECASE
)
_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d:\d\d)(?:\.\d+)?"
    r"(?P<offset>Z|[+-]\d\d(?::?[0-5]\d)?)?\Z",
    re.ASCII,
)


def refuse_nulls(
    raw_params: Mapping[str, Any], options: Iterable[str], *, inside: str = ""
) -> None:
    """Reject nulls, which ansible-core treats as missing, as the default or as text."""
    for option in options:
        if option in raw_params and raw_params[option] is None:
            raise OptionError(inside + option, problem="is null; leave it out, or use omit")


def refuse_booleans(
    raw_params: Mapping[str, Any], options: Mapping[str, Mapping[str, Any]]
) -> None:
    """Reject true and false instead of a number, since ansible-core converts them to 1 and 0."""
    for option, spec in options.items():
        if spec.get("type") == "int" and isinstance(raw_params.get(option), bool):
            problem = "is not a number"
            raise OptionError(option, value=raw_params[option], problem=problem)


def parse_text(option: str, value: Any) -> str:
    """Return a string that is not empty and has no surrounding whitespace."""
    if isinstance(value, (list, dict)):
        raise OptionError(
            option, value=value, problem="must be a single string, not a list or dict"
        )
    if not isinstance(value, str):
        raise OptionError(option, value=value, problem="is not a string; put quotes around it")
    if not value:
        raise OptionError(option, value=value, problem="is empty")
    if value != value.strip():
        raise OptionError(option, value=value, problem="has leading or trailing whitespace")
    return value


def parse_uuid(option: str, value: Any) -> str:
    """Return a uuid in lower case."""
    uuid = parse_text(option, value).lower()
    if not _UUID.match(uuid):
        raise OptionError(option, value=value, problem=f"is not a valid UUID, such as {_EXAMPLE}")
    return uuid


def is_uuid(text: str) -> bool:
    """Return whether text is a uuid."""
    return _UUID.match(text.lower()) is not None


def is_ref(text: str) -> bool:
    """Return whether text is a reference."""
    return _REF.match(text) is not None


def parse_ref(option: str, value: Any) -> str:
    """Return a reference, such as `Async.` calls return."""
    ref = parse_text(option, value)
    if not _REF.match(ref):
        raise OptionError(
            option, value=value, problem=f"is not a valid reference, such as OpaqueRef:{_EXAMPLE}"
        )
    return ref


def parse_regex(option: str, value: Any) -> re.Pattern[str]:
    """Return a regular expression; reject one that matches the empty string, so every label."""
    written = parse_text(option, value)
    try:
        regex = re.compile(written)
    except (re.error, RecursionError, OverflowError, ValueError) as error:
        problem = f"is not a valid regular expression of Python ({error})"
        raise OptionError(option, value=value, problem=problem) from None
    if regex.search(""):
        problem = "matches the empty string, and so every label; write what the label must contain"
        raise OptionError(option, value=value, problem=problem)
    return regex


def parse_duration(option: str, value: Any) -> float:
    """Return the seconds of a duration such as 90, 90s, 30m, 6h, 2d, 1w or 1h30m."""
    written = parse_text(option, value)
    single, combined = _DURATION.match(written), _COMBINED.match(written)
    if single is not None:
        seconds = float(single[1]) * _UNITS.get(single[2], 1)
    elif combined is not None:
        numbers = zip(combined.groups(default="0"), _UNITS.values())
        seconds = float(sum(int(number) * unit for number, unit in numbers))
    else:
        problem = (
            "is not a valid duration; write seconds, or numbers with w, d, h, m or s, such as 1h30m"
        )
        raise OptionError(option, value=value, problem=problem)
    if seconds > _MAX_DURATION:
        raise OptionError(option, value=value, problem="is longer than ten years")
    return seconds


def parse_timeout(option: str, value: Any) -> float:
    """Return the seconds of a duration, which are infinite for never."""
    return math.inf if value == _NEVER else parse_duration(option, value)


def parse_fingerprint(option: str, value: Any) -> str:
    """Return a SHA-256 fingerprint as OpenSSL writes it: in upper case, with colons."""
    match = _FINGERPRINT.match(parse_text(option, value))
    if match is None:
        problem = (
            "is not a SHA-256 fingerprint; write 64 hexadecimal digits, with or without colons"
        )
        raise OptionError(option, value=value, problem=problem)
    return format_fingerprint(match["digits"].replace(":", ""))


def format_fingerprint(digits: str) -> str:
    """Return the digits of a fingerprint as OpenSSL writes them."""
    return ":".join(digits[index : index + 2] for index in range(0, len(digits), 2)).upper()


def parse_time(option: str, value: Any) -> float:
    """Return the POSIX time of an ISO 8601 time with UTC offset, such as server_time."""
    example = "2026-11-23T10:11:12Z or 2026-11-23T11:11:12+01:00"
    match = _TIME.match(parse_text(option, value))
    if match is None:
        raise OptionError(option, value=value, problem=f"is not a valid time, such as {example}")
    if match["offset"] is None:
        problem = f"has no UTC offset, so the time is ambiguous; write it like {example}"
        raise OptionError(option, value=value, problem=problem)
    try:
        naive = datetime.strptime(f"{match['date']} {match['time']}", "%Y-%m-%d %H:%M:%S")
        aware = naive.replace(tzinfo=_parse_offset(match["offset"]))
        # A time of year 1 or 9999 may be in another year in UTC, which Python does not have.
        return aware.astimezone(timezone.utc).timestamp()
    except (OverflowError, ValueError) as error:
        raise OptionError(option, value=value, problem=f"is not a valid time ({error})") from None


def _parse_offset(offset: str) -> timezone:
    if offset == "Z":
        return timezone.utc
    digits = offset[1:].replace(":", "").ljust(4, "0")
    distance = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-distance if offset[0] == "-" else distance)


def check_elements(option: str, written: Any) -> None:
    """Reject elements of a list that are not strings, in the list as the task wrote it.

    ansible-core converts all elements to strings, including nulls.
    """
    for element in written if isinstance(written, list) else ():
        if element is None:
            raise OptionError(option, problem="has a null in its list")
        if not isinstance(element, str):
            raise OptionError(
                option, value=element, problem="is not a string; put quotes around it"
            )
