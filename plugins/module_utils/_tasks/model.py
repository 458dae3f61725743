# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Mapping, Sequence

from .._error_codes import format_error
from .._errors import redact
from .ages import NO_CLOCKS, Clocks, compute_age, compute_duration
from .kinds import Classification, classify
from .result import decode_result
from .times import parse_moment

FINAL_STATUSES = frozenset({"success", "failure", "cancelled"})
STATUSES = ("pending", "cancelling", "success", "failure", "cancelled")
_NULL_REF = "OpaqueRef:NULL"
_ETA_MIN_AGE = 10
_MAX_PROGRESS = 1e6
_MAX_ETA = 10 * 365 * 86400


class Task:
    """A task as it was at one moment: a reference and the record of the server for it."""

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
    def classification(self) -> Classification:
        get = self.record.get
        return classify(get("name_label", ""), get("name_description", ""), get("other_config"))

    @property
    def created(self) -> int | None:
        return parse_moment(self.record.get("created"))[0]

    @property
    def progress(self) -> float | None:
        return _fraction(self.record.get("progress"))

    @property
    def is_finished(self) -> bool:
        """Return whether the status is final; any other word, known or not, means running."""
        return self.status in FINAL_STATUSES

    @property
    def is_cancellable(self) -> bool:
        return not self.is_finished and "cancel" in self.record.get("allowed_operations", ())

    def brief(self) -> dict[str, str]:
        """Return the fields that modules return for a task that was left out."""
        return {
            "uuid": self.uuid,
            "ref": self.ref,
            "name_label": self.name_label,
            "status": self.status,
        }

    def to_dict(self, *, now: int | None, clocks: Clocks = NO_CLOCKS) -> dict[str, Any]:
        """Return the fields that modules return for a task; now is the server's time."""
        # A listing does this for thousands of tasks, so that each field is read only once.
        get = self.record.get
        kind, client, _is_housekeeping = self.classification
        is_finished, progress = self.is_finished, _fraction(get("progress"))
        created, created_iso = parse_moment(get("created"))
        finished, finished_iso = parse_moment(get("finished"))
        age = compute_age(created, get("resident_on"), clocks=clocks, now=now)
        error = _format_error(get("error_info"))
        return {
            "ref": self.ref,
            "uuid": get("uuid"),
            "name_label": get("name_label"),
            "name_description": get("name_description"),
            "kind": kind,
            "client": client,
            "status": get("status"),
            "is_finished": is_finished,
            "progress": progress,
            "created": created_iso,
            # The server writes 1970 for a task that has not finished.
            "finished": finished_iso if finished else None,
            "age": age,
            "duration": compute_duration(created, finished) if is_finished and finished else None,
            "eta": None if is_finished else _eta(age, progress),
            "allowed_operations": get("allowed_operations"),
            "current_operations": get("current_operations"),
            "cancellable": self.is_cancellable,
            "resident_on": _ref_or_none(get("resident_on")),
            "type": get("type"),
            "result": get("result"),
            "result_value": decode_result(get("result") or ""),
            "error_info": [error["code"], *error["params"]] if error else get("error_info"),
            "error": error,
            "backtrace": get("backtrace"),
            "subtask_of": _ref_or_none(get("subtask_of")),
            "subtasks": get("subtasks"),
            "other_config": get("other_config"),
        }


def _format_error(error_info: Sequence[str] | None) -> dict[str, Any] | None:
    """Return the error of a task as modules return it, without secrets; None without one."""
    if not error_info:
        return None
    code, *params = error_info
    return format_error(code, redact(code, params))


def _fraction(progress: Any) -> float | None:
    """Return the progress as a number; None if it is not one, or too far from any fraction."""
    try:
        number = float(progress)
    except (OverflowError, TypeError, ValueError):
        return None
    return number if -_MAX_PROGRESS <= number <= _MAX_PROGRESS else None


def _eta(age: int | None, progress: float | None) -> int | None:
    """Return the seconds left at the average speed so far; None if it is unknown."""
    if age is None or progress is None or age < _ETA_MIN_AGE or not 0 < progress < 1:
        return None
    left = age * (1 - progress) / progress
    return round(left) if left <= _MAX_ETA else None


def _ref_or_none(ref: str | None) -> str | None:
    return None if ref == _NULL_REF else ref
