# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An example of each kind of error that the collection has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.xen.xapi.plugins.module_utils import _errors
from ansible_collections.xen.xapi.plugins.module_utils._errors import XapiError

URL = "https://xcp1:8443"
_OF_HOST = {"url": URL}
_VALUES: dict[type[XapiError], dict[str, Any]] = {
    _errors.AnswerTooLarge: {**_OF_HOST, "limit": 5},
    _errors.CallerGone: {},
    _errors.FingerprintMismatch: {**_OF_HOST, "expected": ["AA"], "seen": "BB"},
    _errors.Interrupted: {"signal": "SIGTERM"},
    _errors.LibraryMissing: {"library": "requests", "details": ""},
    _errors.MasterAddressUnusable: {**_OF_HOST, "address": "a b"},
    _errors.MasterElsewhere: {**_OF_HOST, "master": "10.0.0.1"},
    _errors.NoHostAnswered: {"attempts": [_errors.RequestTimedOut(URL, seconds=30.0)] * 2},
    _errors.NothingSelected: {"problem": ", or a filter"},
    _errors.InvalidResponse: {**_OF_HOST, "method": "task.get_record", "field": "status"},
    _errors.OptionError: {"option": "uuid", "value": "x", "problem": "is not a valid UUID"},
    _errors.OtherPool: {**_OF_HOST, "expected": "one", "found": "other"},
    _errors.RequestTimedOut: {**_OF_HOST, "seconds": 30.0},
    _errors.TimeUnreadable: {
        **_OF_HOST,
        "method": "host.get_servertime",
        "option": "min_age",
    },
    _errors.TrustUnusable: {"source": "ca_path", "path": "/ca", "detail": "no such file"},
    _errors.UnexpectedAnswer: {**_OF_HOST, "status": 404, "content_type": "text/html"},
    _errors.XapiFailure: {
        **_OF_HOST,
        "method": "task.get_all",
        "code": "A_NEW_CODE",
        "params": ["p"],
    },
}


def kinds(above: type[XapiError] = XapiError) -> Iterator[type[XapiError]]:
    """Every kind that is below one, at whatever depth."""
    for kind in above.__subclasses__():
        yield kind
        yield from kinds(kind)


def example(kind: type[XapiError]) -> XapiError:
    """An error of a kind, with whatever that kind holds."""
    return kind(**_VALUES.get(kind, _OF_HOST))
