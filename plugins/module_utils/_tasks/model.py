# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, Mapping

from .._error_codes import format_error
from .._errors import redact
from .ages import NO_CLOCKS, Clocks, compute_age, parse_duration

FINAL_STATUSES = frozenset({"success", "failure", "cancelled"})
STATUSES = ("pending", "cancelling", "success", "failure", "cancelled")
_NULL_REF = "OpaqueRef:NULL"
_ETA_MIN_AGE = 10
_TIME = re.compile(r"(\d{4}-?\d\d-?\d\dT\d\d:\d\d):([0-5]\d)(?:\.\d+)?Z?\Z", re.ASCII)
_MAX_NESTED = 50
_MAX_PROGRESS = 1e6
_MAX_ETA = 10 * 365 * 86400
_OPEN, _CLOSE = "<value>", "</value>"


class Task:
    """A task as it was at one moment: the record that the server gave for a reference."""

    __slots__ = ("record", "ref")

    def __init__(self, ref: str, record: Mapping[str, Any]) -> None:
        self.ref = ref
        self.record = record

    @property
    def uuid(self) -> str:
        return str(self.record.get("uuid", ""))

    @property
    def name_label(self) -> str:
        return str(self.record.get("name_label", ""))

    @property
    def status(self) -> str:
        return str(self.record.get("status", ""))

    @property
    def created(self) -> int | None:
        return parse_seconds(self.record.get("created"))

    @property
    def progress(self) -> float | None:
        return _fraction(self.record.get("progress"))

    @property
    def is_finished(self) -> bool:
        """Only the status tells: every word that is not final counts as running."""
        return self.status in FINAL_STATUSES

    @property
    def is_cancellable(self) -> bool:
        return not self.is_finished and "cancel" in self.record.get("allowed_operations", ())

    def brief(self) -> dict[str, str]:
        """What modules return for a task that was left out."""
        return {
            "uuid": self.uuid,
            "ref": self.ref,
            "name_label": self.name_label,
            "status": self.status,
        }

    def to_dict(self, *, now: int | None, clocks: Clocks = NO_CLOCKS) -> dict[str, Any]:
        """What modules return for a task; now is the server's time."""
        # A listing does this for thousands: nothing is looked up twice.
        get = self.record.get
        status, operations = get("status"), get("allowed_operations")
        is_finished = status in FINAL_STATUSES
        created, created_iso = _moment(get("created"))
        finished, finished_iso = _moment(get("finished"))
        if not finished:
            # The server writes 1970 for a task that has not finished.
            finished = finished_iso = None
        progress = _fraction(get("progress"))
        age = compute_age(created, get("resident_on"), clocks=clocks, now=now)
        result = get("result")
        error_info = get("error_info")
        if error_info:
            error_info = [error_info[0], *redact(error_info[0], error_info[1:])]
        return {
            "ref": self.ref,
            "uuid": get("uuid"),
            "name_label": get("name_label"),
            "name_description": get("name_description"),
            "status": status,
            "is_finished": is_finished,
            "progress": progress,
            "created": created_iso,
            "finished": finished_iso,
            "age": age,
            "duration": parse_duration(created, finished) if is_finished else None,
            "eta": None if is_finished else _eta(age, progress),
            "allowed_operations": operations,
            "current_operations": get("current_operations"),
            "cancellable": not is_finished and "cancel" in (operations or ()),
            "resident_on": _ref_or_none(get("resident_on")),
            "type": get("type"),
            "result": result,
            "result_value": decoded_result(result) if result else None,
            "error_info": error_info,
            "error": format_error(error_info[0], error_info[1:]) if error_info else None,
            "backtrace": get("backtrace"),
            "subtask_of": _ref_or_none(get("subtask_of")),
            "subtasks": get("subtasks"),
            "other_config": get("other_config"),
        }


def parse_seconds(text: str | None) -> int | None:
    """Seconds since 1970 for a time as the server writes it, such as 20261123T10:11:12Z."""
    return _moment(text)[0]


def iso_time(seconds: int | None) -> str | None:
    """The time in ISO 8601, in UTC with a Z at its end; None beyond the years that it knows."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat()[:19] + "Z"
    except (OverflowError, OSError, ValueError):
        return None


# A listing has the same times again and again, and to take them apart costs more than the rest.
@lru_cache(maxsize=16384)
def _moment(text: str | None) -> tuple[int | None, str | None]:
    """A time of the server in seconds since 1970 and in ISO 8601."""
    match = _TIME.match(text or "")
    if match is None:
        return None, None
    minute, second = match.groups()
    seconds, iso = _minute(minute)
    if seconds is None:
        return None, None
    return seconds + int(second), f"{iso}:{second}Z"


@lru_cache(maxsize=4096)
def _minute(text: str) -> tuple[int | None, str]:
    date, clock = text.replace("-", "").split("T")
    year, month, day = int(date[:4]), int(date[4:6]), int(date[6:])
    try:
        moment = datetime(year, month, day, int(clock[:2]), int(clock[3:]), tzinfo=timezone.utc)
    except ValueError:
        return None, ""
    return int(moment.timestamp()), moment.isoformat()[:16]


def decoded_result(text: str) -> Any:
    """What a task's result means: XAPI keeps it as the XML of an XML-RPC value.

    A void result is None. A text that is no such value, or that could do harm to whoever reads it
    (a document type, which entities need; endless nesting), is returned as it is.
    """
    if not text:
        return None
    if not (text.startswith(_OPEN) and text.endswith(_CLOSE)):
        return text
    inner = text[len(_OPEN) : -len(_CLOSE)]
    if "<" not in inner and "&" not in inner:
        return inner or None
    if "<!" in inner:
        return text
    # Most results are plain references: what only the others need is not loaded for them.
    from xml.etree import ElementTree

    try:
        return _value(ElementTree.fromstring(text), depth=0)
    except (ElementTree.ParseError, AttributeError, LookupError, TypeError, ValueError):
        return text


def _value(node: Any, *, depth: int) -> Any:
    if depth > _MAX_NESTED:
        raise ValueError("nested too deeply")
    if len(node) == 0:
        return node.text or ""
    (typed,) = node
    kind, text = typed.tag, typed.text or ""
    if kind == "array":
        return [_value(item, depth=depth + 1) for item in typed.find("data")]
    if kind == "struct":
        return {
            member.find("name").text or "": _value(member.find("value"), depth=depth + 1)
            for member in typed
        }
    if kind in ("int", "i4", "i8"):
        return int(text)
    if kind == "double":
        return _finite(float(text))
    if kind == "boolean":
        return {"1": True, "0": False}[text]
    if kind == "dateTime.iso8601":
        return iso_time(parse_seconds(text)) or text
    if kind == "string":
        return text
    if kind == "nil":
        return None
    raise ValueError(f"no value of XML-RPC: {kind}")


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("a number that JSON cannot hold")
    return number


def _fraction(progress: Any) -> float | None:
    """Progress as a number; None for what is no number, or too far from any fraction."""
    try:
        number = float(progress)
    except (OverflowError, TypeError, ValueError):
        return None
    return number if -_MAX_PROGRESS <= number <= _MAX_PROGRESS else None


def _eta(age: int | None, progress: float | None) -> int | None:
    """Seconds left at the average speed so far, where there is enough to tell it from."""
    if age is None or progress is None or age < _ETA_MIN_AGE or not 0 < progress < 1:
        return None
    left = age * (1 - progress) / progress
    return round(left) if left <= _MAX_ETA else None


def _ref_or_none(ref: str | None) -> str | None:
    return None if ref == _NULL_REF else ref
