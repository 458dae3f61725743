# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Callable, NamedTuple, Sequence

from ._errors import HostError, MasterNotFound, NoHostAnswered, XapiError, XapiFailure
from ._rpc import Rpc
from ._transport import Endpoint, Transport

# The server counts and limits sessions by originator: a name that never changes.
_ORIGINATOR = "xen.xapi"
_API_VERSION = "1.0"
_LOGOUT_TIME_LIMIT = 2.0
_MOST_HOPS = 4
# The account is the same on all members: asking the next one would only lock it sooner.
_ACCOUNT_REFUSED = frozenset({"SESSION_AUTHENTICATION_FAILED", "RBAC_PERMISSION_DENIED"})


class Pool(NamedTuple):
    """Which pool a session belongs to; master is the name of the master host."""

    uuid: str
    name_label: str
    master: str
    master_ref: str

    def to_dict(self) -> dict[str, str]:
        """What modules return for the pool; a reference would mean nothing to a reader."""
        return {"uuid": self.uuid, "name_label": self.name_label, "master": self.master}


class Session:
    """A session of one account on the master of one pool: logs in on entry, out on exit."""

    def __init__(
        self,
        transport: Transport,
        *,
        endpoints: Sequence[Endpoint],
        username: str,
        password: str,
        keep_secret: Callable[[str], None],
    ) -> None:
        """The callable keep_secret is given the session's reference as soon as there is one."""
        self._transport = transport
        self._endpoints = endpoints
        self._username = username
        self._password = password
        self._keep_secret = keep_secret
        self._rpc: Rpc | None = None
        self._ref = ""
        self.pool = Pool("", "", "", "")
        self.logout_error: XapiError | None = None

    def __enter__(self) -> Session:
        try:
            self._log_in()
            self.pool = self._identify_pool()
        except BaseException:
            self._log_out()
            raise
        return self

    def __exit__(self, *_details: object) -> None:
        self._log_out()

    @property
    def requests(self) -> int:
        """How many requests were sent so far, the login and the logout included."""
        return self._transport.requests

    def call(self, method: str, *params: Any) -> Any:
        if self._rpc is None:
            raise RuntimeError("a call outside of the session")
        return self._rpc.call(method, [self._ref, *params], secrets=[self._ref])

    def server_time(self) -> str:
        """The master's clock, as the server writes times."""
        text: str = self.call("host.get_servertime", self.pool.master_ref)
        return text

    def _log_in(self) -> None:
        attempts: list[HostError] = []
        for endpoint in self._endpoints:
            try:
                self._log_in_from(endpoint)
                return
            except HostError as error:
                if isinstance(error, XapiFailure) and error.code in _ACCOUNT_REFUSED:
                    raise
                attempts.append(error)
        raise attempts[0] if len(attempts) == 1 else NoHostAnswered(attempts)

    def _log_in_from(self, listed: Endpoint) -> None:
        """Log in at a listed member, or at the master that it names."""
        endpoint = listed
        for _hop in range(_MOST_HOPS):
            try:
                self._log_in_at(endpoint)
                return
            except HostError as error:
                if (
                    isinstance(error, XapiFailure)
                    and error.code == "HOST_IS_SLAVE"
                    and error.params
                ):
                    endpoint = endpoint.at(error.params[0].strip("[]"))
                    continue
                if endpoint != listed:
                    error.named_by = listed.url
                raise
        raise MasterNotFound(listed.url)

    def _log_in_at(self, endpoint: Endpoint) -> None:
        self._transport.stop()
        rpc = Rpc(self._transport, endpoint)
        # Not stoppable: a session whose reference was never read could not be logged out.
        self._ref = rpc.call(
            "session.login_with_password",
            [self._username, self._password, _API_VERSION, _ORIGINATOR],
            secrets=[self._password],
            stoppable=False,
        )
        self._rpc = rpc
        self._keep_secret(self._ref)

    def _log_out(self) -> None:
        """End the session; an error is kept in logout_error, since the work is done by now."""
        rpc, self._rpc = self._rpc, None
        if rpc is not None:
            try:
                rpc.call(
                    "session.logout",
                    [self._ref],
                    secrets=[self._ref],
                    time_limit=_LOGOUT_TIME_LIMIT,
                    stoppable=False,
                )
            except XapiError as error:
                if not (isinstance(error, XapiFailure) and error.code == "SESSION_INVALID"):
                    self.logout_error = error
        self._transport.close()

    def _identify_pool(self) -> Pool:
        (record,) = self.call("pool.get_all_records").values()
        master = record["master"]
        name = self.call("host.get_name_label", master)
        return Pool(record["uuid"], record["name_label"], name, master)
