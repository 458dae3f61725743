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
# What a pool answers while its hosts start, change places, or have more to do than they can.
_PASSING_CODES = frozenset(
    {
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
# A host that has become a supporter has forgotten its sessions, as has the new master: they do not
# know the session. A supporter says that it is one if its master does know the session, which was
# opened there under the same address (session_check.ml): the session lives.
SESSION_GONE = frozenset({SESSION_UNKNOWN, IS_SUPPORTER})
_NO_SUCH_OBJECT = frozenset({"HANDLE_INVALID", "UUID_INVALID"})
# What a login answers while the directory service is away, if the pool's accounts come from there.
# SESSION_AUTHORIZATION_FAILED also means that the account has no access, so it takes a login before
# to tell the two apart. The password was right in both cases: another try locks no account.
_DIRECTORY_CODES = frozenset({"AUTH_SERVICE_ERROR", "SESSION_AUTHORIZATION_FAILED"})
# Those of them that may be about the task of a call, and about nothing else.
_OF_ONE_TASK = frozenset({"HANDLE_INVALID", "HOST_OFFLINE", "INTERNAL_ERROR"})
# To an account that may not call extensions, XAPI answers so for a method that it does not know.
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
    """Whether what went wrong may be over if one waits, as a restart is.

    What has reached the pool before has the right address, so that more can be put down to the way.
    """
    if isinstance(error, NoHostAnswered):
        return any(is_transient(attempt, was_connected=was_connected) for attempt in error.attempts)
    if isinstance(error, XapiFailure):
        return error.code in _PASSING_CODES or (was_connected and _is_of_directory(error))
    if isinstance(error, UnexpectedAnswer):
        return was_connected or error.status >= 500
    if isinstance(error, (NameUnknown, InvalidResponse, RequestFailed)):
        return was_connected
    return isinstance(error, _NETWORK)


def _is_of_directory(failure: XapiFailure) -> bool:
    return failure.method == "session.login_with_password" and failure.code in _DIRECTORY_CODES


def is_session_lost(error: XapiError) -> bool:
    """Return whether the host answered that it does not know our session, or is not the master.

    An answer to the login itself says nothing about a session.
    """
    return (
        isinstance(error, XapiFailure)
        and error.code in SESSION_GONE
        and not error.method.startswith("session.")
    )


def is_pool_wide(failure: XapiFailure) -> bool:
    """Whether a call about one task failed for what the whole pool is going through.

    So did one that failed in the login before it, or in what is read of the pool after that.
    """
    return not failure.method.startswith("task.") or failure.code in _PASSING_CODES - _OF_ONE_TASK


def events_unsupported(error: XapiError) -> bool:
    """Whether the server refuses event.from in a way that will not pass."""
    return (
        isinstance(error, XapiFailure)
        and error.method == "event.from"
        and (error.code in _EVENTS_UNUSABLE or error.code not in _PASSING_CODES)
    )


def none_if_gone(call: Callable[[], T]) -> T | None:
    """What a call returns, or None where the object that it is about does not exist.

    The server deletes objects at any moment, so that a reference which was good for one call may
    be dead for the next.
    """
    try:
        return call()
    except XapiFailure as failure:
        if failure.code in _NO_SUCH_OBJECT and _is_of_its_own_class(failure):
            return None
        raise


def _is_of_its_own_class(failure: XapiFailure) -> bool:
    """Whether what is missing is what the call is about, not a host that it was passed on to.

    The first parameter is the class (exnHelper.ml).
    """
    kind = failure.method.partition(".")[0]
    return [param.lower() for param in failure.params[:1]] == [kind.lower()]
