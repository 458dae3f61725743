# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exports and imports over HTTP: who may, the task, the data (xapi_http.ml, export.ml).

The server completes the task of a transfer itself, one that a client made and named too.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

from . import html_pages, roles
from .database import Database
from .exchange import Exchange
from .faults import Cut
from .http_actions import Action
from .http_request import basic_credentials
from .inventory import Inventory
from .lifecycle import Life
from .operations import Operations
from .sessions import Sessions
from .tasks import Tasks
from .values import NOT_IMPLEMENTED, NULL_REF, ApiError, Value, ref

LIFE = Life(cancel_error=True)
POLL = 0.05
"""Seconds between two looks at a client that may go away."""
BROKEN = 'Unix.Unix_error(Unix.EPIPE, "write", "")'


class Job:
    """A transfer under way."""

    def __init__(self, exchange: Exchange, session: str) -> None:
        self.exchange = exchange
        self.session = session
        self.result: Value = None
        """Result of the task; None: it stays empty."""


class Parts(NamedTuple):
    """The parts of a pool that transfers need."""

    database: Database
    sessions: Sessions
    tasks: Tasks
    operations: Operations
    inventory: Inventory


Handler = Callable[["Transfers", Job], None]


class Transfers:
    """Answers the requests that are not calls of the API."""

    def __init__(self, pool: Parts, handlers: dict[str, Handler]) -> None:
        self.pool = pool
        self._handlers = handlers

    def answer(self, action: Action, exchange: Exchange) -> None:
        """Answer a request; raise a Page for a refusal, Cut where the connection just ends."""
        with self._session(action, exchange) as session:
            handler = self._handlers.get(action.name)
            try:
                if handler is None:
                    raise ApiError(NOT_IMPLEMENTED, f"http/{action.name}")
                handler(self, Job(exchange, session))
            except ApiError as error:
                if error.code != NOT_IMPLEMENTED:
                    # The task of the client goes on, unless the error came while it was at work.
                    raise _failed(error, exchange) from error
                self.fail_named_task(exchange, error)
                (name,) = error.params_list
                raise html_pages.not_simulated(name, version=exchange.request.version) from error

    @contextlib.contextmanager
    def _session(self, action: Action, exchange: Exchange) -> Iterator[str]:
        """Check who asks; a name and a password open a session for the time of the request."""
        request, session = exchange.request, ""
        named = request.parameter("session_id")
        if not action.role:
            yield ""
            return
        try:
            if exchange.endpoint.emergency:
                raise ApiError(*exchange.endpoint.emergency)
            if named is not None:
                account = self.pool.sessions.account(ref(named))
            else:
                name, password = basic_credentials(request)
                session = self.pool.sessions.login(
                    exchange.endpoint.ref, name, password, "HTTP request using Basic auth"
                )
                account = self.pool.sessions.account(session)
        except ApiError as error:
            raise html_pages.unauthorized(action.name, version=request.version) from error
        try:
            try:
                roles.require(account, action.role, f"http/{action.name}")
            except ApiError as error:
                self.fail_named_task(exchange, error)
                raise html_pages.forbidden(version=request.version) from error
            yield session or ref(named or "")
        finally:
            if session:
                with contextlib.suppress(ApiError):
                    self.pool.sessions.logout(session)

    def fail_named_task(self, exchange: Exchange, error: ApiError) -> None:
        """Fail the task that a request names, if it names one that runs."""
        task = ref(exchange.request.parameter("task_id") or "")
        self.pool.tasks.end(task, self.pool.tasks.failure_writes(error.description))

    @contextlib.contextmanager
    def task(self, label: str, job: Job) -> Iterator[str]:
        """Give the task that a transfer runs as, the client's or a new one, and end it."""
        request, tasks = job.exchange.request, self.pool.tasks
        host = job.exchange.endpoint.ref
        task = ref(request.parameter("task_id") or "")
        if task:
            self.pool.database.read("task", task)
        else:
            parent = ref(request.parameter("subtask_of") or NULL_REF)
            task = tasks.create(label, session=job.session, parent=parent, host=host)
        try:
            yield task
        except ApiError as error:
            self.fail(task, job, error.description)
            raise
        except html_pages.Page:
            self.fail(task, job, ["INTERNAL_ERROR", "Not_found"])
            raise
        except OSError as error:
            self.fail(task, job, ["INTERNAL_ERROR", BROKEN])
            raise Cut from error
        tasks.end(task, tasks.success_writes(job.result, host))

    def fail(self, task: str, job: Job, error: list[str]) -> None:
        """End a task with an error, by the clock of the host that was asked."""
        tasks = self.pool.tasks
        tasks.end(task, tasks.failure_writes(error, job.exchange.endpoint.ref))

    def play(
        self,
        task: str,
        label: str,
        job: Job,
        move: Callable[[], None],
        *,
        is_download: bool = False,
    ) -> None:
        """Move the data while the task lives its life; raise the error that ends it.

        The client of a download must stay to the end; that of an upload may leave after its data.
        """
        operations, done = self.pool.operations, threading.Event()
        errors: list[str] = []

        def ended(error: list[str]) -> None:
            errors.extend(error)
            done.set()

        life = operations.lives.get(label, LIFE)
        operations.play(task, life, ended=ended, completes=False)
        try:
            move()
            while not done.wait(POLL):
                if is_download and job.exchange.is_gone():
                    raise BrokenPipeError
                if not operations.is_playing(task) and not done.wait(POLL):
                    raise Cut
        except BaseException:
            operations.stop(task)
            raise
        if errors:
            raise ApiError(*errors)

    def hosts_with(self, storages: set[str]) -> list[str]:
        """Return the live hosts that reach all of some SRs."""
        inventory = self.pool.inventory
        return [
            host
            for host in self.pool.database["host"]
            if inventory.is_live(host) and all(self._reaches(host, one) for one in storages)
        ]

    def _reaches(self, host: str, storage: str) -> bool:
        """Return whether a host reaches an SR; one of a bare pool has no PBD at all."""
        inventory = self.pool.inventory
        if storage not in self.pool.database["SR"]:
            return False
        is_bare = not self.pool.database.read("SR", storage)["PBDs"]
        return (is_bare and storage not in inventory.introduced) or inventory.reaches(host, storage)

    def redirects(self, job: Job, storages: set[str]) -> bool:
        """Send the client to a host that reaches the SRs, where the one that was asked does not.

        Raise NO_HOSTS_AVAILABLE if no host reaches them.
        """
        hosts = self.hosts_with(storages)
        endpoint = job.exchange.endpoint
        if endpoint.ref in hosts:
            return False
        if not hosts:
            raise ApiError("NO_HOSTS_AVAILABLE")
        address = self.pool.database.read("host", hosts[0])["address"]
        target = f"{endpoint.url_at(address)}{job.exchange.request.target}"
        job.exchange.send_head("302 Found", [f"Location: {target}"])
        return True


def _failed(error: ApiError, exchange: Exchange) -> html_pages.Page:
    """Return the page for an error of the API that a handler lets through."""
    text = f"{error.code}: [ {'; '.join(error.params_list)} ]"
    return html_pages.internal_error(text, version=exchange.request.version)
