# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils import _errors
from ansible_collections.xen.xapi.plugins.module_utils._client import retry as _retry
from ansible_collections.xen.xapi.plugins.module_utils._client.retry import (
    events_unsupported,
    is_pool_wide,
    is_session_lost,
    is_transient,
)
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    NoHostAnswered,
    UnexpectedAnswer,
    XapiFailure,
)
from ansible_collections.xen.xapi.tests.support.samples import URL, error_kinds, example_error


def failure(code, method="task.get_record"):
    return XapiFailure(URL, method=method, code=code, params=[])


def page(status):
    return UnexpectedAnswer(URL, status=status, content_type="text/html")


# Whether the error is transient before the pool was reached for the first time, and after. For the
# other errors it depends on the response or on the hosts.
MAY_PASS = {
    _errors.AnswerTooLarge: (False, False),
    _errors.CallerGone: (False, False),
    _errors.CertificateInvalid: (False, False),
    _errors.CertificateOutOfTime: (False, False),
    _errors.CertificateUntrusted: (False, False),
    _errors.CertificateWrongName: (False, False),
    _errors.ConnectionCut: (True, True),
    _errors.ConnectionRefused: (True, True),
    _errors.FingerprintMismatch: (False, False),
    _errors.GivenSessionLost: (False, False),
    _errors.GivenSessionUnknown: (False, False),
    _errors.HostUnreachable: (True, True),
    _errors.Interrupted: (False, False),
    _errors.LibraryMissing: (False, False),
    _errors.MasterAddressUnusable: (False, False),
    _errors.MasterElsewhere: (False, False),
    _errors.MasterNotFound: (True, True),
    _errors.NameUnknown: (False, True),
    _errors.InvalidResponse: (False, True),
    _errors.NothingSelected: (False, False),
    _errors.OptionError: (False, False),
    _errors.OtherPool: (False, False),
    _errors.PortWithoutTls: (False, False),
    _errors.ProxyFailed: (True, True),
    _errors.RequestFailed: (False, True),
    _errors.RequestTimedOut: (True, True),
    _errors.TimeUnreadable: (False, True),
    _errors.TlsFailed: (False, False),
    _errors.TrustUnusable: (False, False),
}
OTHERS = {_errors.HostError, NoHostAnswered, UnexpectedAnswer, XapiFailure}
PASSING_CODES = [
    "EVENTS_LOST",
    "EVENT_FROM_TOKEN_PARSE_FAILURE",
    "HANDLE_INVALID",
    "HOST_BROKEN",
    "HOST_HAS_NO_MANAGEMENT_IP",
    "HOST_IS_SLAVE",
    "HOST_ITS_OWN_SLAVE",
    "HOST_MASTER_CANNOT_TALK_BACK",
    "HOST_OFFLINE",
    "HOST_STILL_BOOTING",
    "HOST_UNKNOWN_TO_MASTER",
    "HOST_XAPI_VERSION_HIGHER_THAN_COORDINATOR",
    "INTERNAL_ERROR",
    "SESSION_INVALID",
    "TOO_BUSY",
    "TOO_MANY_PENDING_TASKS",
]
LASTING_CODES = [
    "AUTH_IS_DISABLED",
    "AUTH_SERVICE_ERROR",
    "EVENT_SUBSCRIPTION_PARSE_FAILURE",
    "MESSAGE_METHOD_UNKNOWN",
    "MESSAGE_PARAMETER_COUNT_MISMATCH",
    "MESSAGE_REMOVED",
    "PERMISSION_DENIED",
    "RBAC_PERMISSION_DENIED",
    "SESSION_AUTHENTICATION_FAILED",
    "SESSION_AUTHORIZATION_FAILED",
    "UUID_INVALID",
    "",
    "session_invalid",
]
TLS = _errors.CertificateUntrusted(URL)
CUT = _errors.ConnectionCut(URL)
UNKNOWN = _errors.NameUnknown(URL)


def test_every_error_type_is_classified():
    """A new error type must be added to one of the tables."""
    assert set(error_kinds()) - OTHERS == MAY_PASS.keys()


@pytest.mark.parametrize("kind", MAY_PASS)
def test_error_type_is_transient_as_classified(kind):
    error = example_error(kind)
    assert (
        is_transient(error, was_connected=False),
        is_transient(error, was_connected=True),
    ) == MAY_PASS[kind]


@pytest.mark.parametrize("was_connected", [False, True])
@pytest.mark.parametrize("code", PASSING_CODES)
def test_pool_change_codes_are_transient(code, was_connected):
    assert is_transient(failure(code), was_connected=was_connected)


@pytest.mark.parametrize("was_connected", [False, True])
@pytest.mark.parametrize("code", LASTING_CODES)
def test_permanent_codes_are_not_transient(code, was_connected):
    assert not is_transient(failure(code), was_connected=was_connected)


@pytest.mark.parametrize("code", ["AUTH_SERVICE_ERROR", "SESSION_AUTHORIZATION_FAILED"])
def test_directory_service_failure_is_transient_once_pool_was_reached(code):
    error = failure(code, "session.login_with_password")
    assert is_transient(error, was_connected=True)
    assert is_transient(NoHostAnswered([TLS, error]), was_connected=True)
    assert not is_transient(error, was_connected=False)


@pytest.mark.parametrize(
    "code", ["SESSION_AUTHENTICATION_FAILED", "RBAC_PERMISSION_DENIED", "AUTH_IS_DISABLED"]
)
def test_rejected_account_stays_permanent_once_pool_was_reached(code):
    """A retry with a wrong password could lock the account."""
    assert not is_transient(failure(code, "session.login_with_password"), was_connected=True)


def test_every_transient_code_is_listed():
    assert sorted(_retry._TRANSIENT_CODES) == PASSING_CODES


@pytest.mark.parametrize(
    ("status", "before"), [(200, False), (301, False), (404, False), (500, True), (503, True)]
)
def test_http_page_is_transient_for_5xx_or_once_pool_was_reached(status, before):
    """A first response that is not XAPI's means a wrong address, unless its status is 5xx."""
    assert is_transient(page(status), was_connected=False) is before
    assert is_transient(page(status), was_connected=True)


@pytest.mark.parametrize(
    ("attempts", "before", "after"),
    [
        ([CUT, TLS], True, True),
        ([TLS, CUT], True, True),
        ([TLS, TLS], False, False),
        ([TLS, UNKNOWN], False, True),
        ([UNKNOWN, failure("HOST_STILL_BOOTING")], True, True),
        ([page(404), UNKNOWN], False, True),
        ([page(404), page(502)], True, True),
        ([failure("MESSAGE_REMOVED"), TLS], False, False),
    ],
)
def test_no_host_answered_is_transient_if_any_attempt_is(attempts, before, after):
    error = NoHostAnswered(attempts)
    assert (is_transient(error, was_connected=False), is_transient(error, was_connected=True)) == (
        before,
        after,
    )


@pytest.mark.parametrize("code", [*PASSING_CODES, *LASTING_CODES])
def test_permanent_codes_and_internal_error_disable_events(code):
    """An account without permissions gets INTERNAL_ERROR for an unknown method."""
    is_forbidding = code in LASTING_CODES or code == "INTERNAL_ERROR"
    assert events_unsupported(failure(code, "event.from")) is is_forbidding


@pytest.mark.parametrize("method", ["task.get_record", "event.next", "session.login_with_password"])
def test_failures_of_other_methods_do_not_disable_events(method):
    assert not events_unsupported(failure("MESSAGE_METHOD_UNKNOWN", method))
    assert not events_unsupported(failure("RBAC_PERMISSION_DENIED", method))


def test_only_xapi_failures_disable_events():
    assert not events_unsupported(CUT)
    assert not events_unsupported(page(404))


@pytest.mark.parametrize("code", [*PASSING_CODES, *LASTING_CODES])
def test_only_transient_codes_not_about_one_task_are_pool_wide(code):
    of_one_task = {"HANDLE_INVALID", "HOST_OFFLINE", "INTERNAL_ERROR"}
    expected = code in PASSING_CODES and code not in of_one_task
    assert is_pool_wide(failure(code, "task.cancel")) is expected


@pytest.mark.parametrize("method", ["session.login_with_password", "pool.get_all_records"])
@pytest.mark.parametrize("code", [*PASSING_CODES, *LASTING_CODES])
def test_failure_of_login_or_pool_read_is_pool_wide(code, method):
    assert is_pool_wide(failure(code, method))


@pytest.mark.parametrize("method", ["event.from", "task.get_record", "pool.get_all_records"])
@pytest.mark.parametrize("code", [*PASSING_CODES, *LASTING_CODES])
def test_only_session_invalid_and_host_is_slave_lose_session(code, method):
    expected = code in {"SESSION_INVALID", "HOST_IS_SLAVE"}
    assert is_session_lost(failure(code, method)) is expected


@pytest.mark.parametrize("code", ["SESSION_INVALID", "HOST_IS_SLAVE"])
@pytest.mark.parametrize("method", ["session.login_with_password", "session.logout"])
def test_login_or_logout_failure_does_not_lose_session(code, method):
    assert not is_session_lost(failure(code, method))


@pytest.mark.parametrize("kind", [*MAY_PASS, NoHostAnswered])
def test_errors_other_than_xapi_failures_do_not_lose_session(kind):
    assert not is_session_lost(example_error(kind))
