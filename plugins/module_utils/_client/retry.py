# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Callable, TypeVar

from .._errors import (
    ConnectionCut,
    ConnectionRefused,
    HostUnreachable,
    InvalidResponse,
    MasterNotFound,
    NameUnknown,
    NoHostAnswered,
    ProxyFailed,
    RequestFailed,
    RequestTimedOut,
    UnexpectedAnswer,
    XapiError,
    XapiFailure,
)

T = TypeVar("T")

_NETWORK = (
    ConnectionCut,
    ConnectionRefused,
    HostUnreachable,
    MasterNotFound,
    ProxyFailed,
    RequestTimedOut,
)
# Errors while hosts start, while the master changes, and while the server is overloaded or has
# dropped events, after which everything is read again.
_TRANSIENT_CODES = frozenset(
    {
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
    }
)
SESSION_UNKNOWN = "SESSION_INVALID"
IS_SUPPORTER = "HOST_IS_SLAVE"
# A host that became a supporter has lost its sessions, and the new master never had them: both
# answer SESSION_UNKNOWN. A supporter answers IS_SUPPORTER if its master knows the session, which
# was opened there under the same address (session_check.ml): the session still exists.
SESSION_GONE = frozenset({SESSION_UNKNOWN, IS_SUPPORTER})
_NO_SUCH_OBJECT = frozenset({"HANDLE_INVALID", "UUID_INVALID"})
# Errors of a login while the directory service of the pool's accounts is not available.
# SESSION_AUTHORIZATION_FAILED also means that the account has no access, so it is only transient
# after an earlier login. The password was correct in both cases, so a retry locks no account.
_DIRECTORY_CODES = frozenset({"AUTH_SERVICE_ERROR", "SESSION_AUTHORIZATION_FAILED"})
# The transient codes that may concern only the task of a call.
_CODES_OF_ONE_TASK = frozenset({"HANDLE_INVALID", "HOST_OFFLINE", "INTERNAL_ERROR"})
# XAPI answers an unknown method with RBAC_PERMISSION_DENIED if the account may not call extensions.
_EVENTS_UNUSABLE = frozenset(
    {
        "EVENT_SUBSCRIPTION_PARSE_FAILURE",
        "INTERNAL_ERROR",
        "MESSAGE_METHOD_UNKNOWN",
        "MESSAGE_REMOVED",
        "RBAC_PERMISSION_DENIED",
    }
)


def is_transient(error: XapiError, *, was_connected: bool) -> bool:
    """Return whether an error may pass with time, as during a restart.

    If the run was connected before, the address is right, so more errors count as transient.
    """
    if isinstance(error, NoHostAnswered):
        return any(is_transient(attempt, was_connected=was_connected) for attempt in error.attempts)
    if isinstance(error, XapiFailure):
        return error.code in _TRANSIENT_CODES or (was_connected and _is_of_directory(error))
    if isinstance(error, UnexpectedAnswer):
        return was_connected or error.status >= 500
    if isinstance(error, (NameUnknown, InvalidResponse, RequestFailed)):
        return was_connected
    return isinstance(error, _NETWORK)


def _is_of_directory(failure: XapiFailure) -> bool:
    return failure.method == "session.login_with_password" and failure.code in _DIRECTORY_CODES


def is_session_lost(error: XapiError) -> bool:
    """Return whether the host answered that it does not know the session, or is not the master.

    An error of the login itself does not concern a session.
    """
    return (
        isinstance(error, XapiFailure)
        and error.code in SESSION_GONE
        and not error.method.startswith("session.")
    )


def is_pool_wide(failure: XapiFailure) -> bool:
    """Return whether a call about one task failed because of the state of the whole pool.

    That includes errors of the login before the call, and of identifying the pool after it.
    """
    return (
        not failure.method.startswith("task.")
        or failure.code in _TRANSIENT_CODES - _CODES_OF_ONE_TASK
    )


def events_unsupported(error: XapiError) -> bool:
    """Return whether the server rejects event.from permanently."""
    return (
        isinstance(error, XapiFailure)
        and error.method == "event.from"
        and (error.code in _EVENTS_UNUSABLE or error.code not in _TRANSIENT_CODES)
    )


def none_if_gone(call: Callable[[], T]) -> T | None:
    """Return the result of a call, or None if the object of the call does not exist.

    The server can delete an object at any time, so a reference may be valid for one call and
    invalid for the next.
    """
    try:
        return call()
    except XapiFailure as failure:
        if failure.code in _NO_SUCH_OBJECT and _names_class_of_call(failure):
            return None
        raise


def _names_class_of_call(failure: XapiFailure) -> bool:
    """Return whether the missing object is the call's own, not a host that it was forwarded to.

    The first parameter of the error is the class (exnHelper.ml).
    """
    kind = failure.method.partition(".")[0]
    return [param.lower() for param in failure.params[:1]] == [kind.lower()]
