# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Callable, Sequence, TypeVar

from .._errors import (
    GivenSessionUnknown,
    HostError,
    MasterAddressUnusable,
    MasterElsewhere,
    MasterNotFound,
    NoHostAnswered,
    XapiError,
    XapiFailure,
)
from .endpoint import Endpoint, parse_address
from .jsonrpc import Rpc
from .retry import IS_SUPPORTER

_MAX_HOPS = 4
# The account is the same on all members: trying the next one would only lock it sooner.
_ACCOUNT_REFUSED = frozenset(
    {
        "RBAC_PERMISSION_DENIED",
        "SESSION_AUTHENTICATION_FAILED",
        "SESSION_AUTHORIZATION_FAILED",
    }
)

T = TypeVar("T")


def refuses_account(error: XapiError) -> bool:
    """Return whether the pool rejects the account, whichever member is asked."""
    return isinstance(error, XapiFailure) and error.code in _ACCOUNT_REFUSED


class Members:
    """Finds the master of a pool by the hosts that are listed for it."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        call: Callable[[Endpoint], Rpc],
        follow_master: bool,
    ) -> None:
        """Use the callable to get an Rpc for an endpoint."""
        self._endpoints = endpoints
        self._call = call
        self._follow_master = follow_master
        self.skipped_errors: tuple[HostError, ...] = ()
        """The errors of the members that were tried before one accepted the login."""

    def open_at_master(
        self, open_session: Callable[[Rpc], T], *, exclude: Endpoint | None = None
    ) -> T:
        """Open a session at the first member that accepts it, or at the master that it names.

        Return the result of open_session. The excluded host is skipped, even if another one names
        it as the master.
        """
        attempts: list[HostError] = []
        for endpoint in self._endpoints:
            if endpoint == exclude:
                continue
            try:
                opened = self._open_via(endpoint, open_session, exclude=exclude)
            except GivenSessionUnknown:
                raise
            except HostError as error:
                if refuses_account(error):
                    raise
                attempts.append(error)
            else:
                self.skipped_errors = tuple(attempts)
                return opened
        raise attempts[0] if len(attempts) == 1 else NoHostAnswered(attempts)

    def _open_via(
        self, listed: Endpoint, open_session: Callable[[Rpc], T], *, exclude: Endpoint | None
    ) -> T:
        """Open a session at a listed member, or at the master that it names."""
        endpoint, tried = listed, {listed}
        while True:
            try:
                return open_session(self._call(endpoint))
            except HostError as error:
                if endpoint != listed:
                    error.reported_by = listed.url
                if not (isinstance(error, XapiFailure) and error.code == IS_SUPPORTER):
                    raise
                endpoint = self._find_reported_master(error, endpoint)
            if endpoint in (*tried, exclude) or len(tried) == _MAX_HOPS:
                raise MasterNotFound(listed.url)
            tried.add(endpoint)

    def _find_reported_master(self, failure: XapiFailure, supporter: Endpoint) -> Endpoint:
        text = failure.params[0] if failure.params else ""
        address = parse_address(text)
        if address is None:
            raise MasterAddressUnusable(supporter.url, address=text)
        if not self._follow_master:
            raise MasterElsewhere(supporter.url, master=address)
        return supporter.at(address)
