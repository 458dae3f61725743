# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The implementations to compare: this collection, the package XenAPI, and a bare loop."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import logging
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import XenAPI

from ansible_collections.xen.xapi.extensions.eda.plugins.event_source import task_events
from ansible_collections.xen.xapi.plugins.module_utils._client.endpoint import Endpoint
from ansible_collections.xen.xapi.plugins.module_utils._client.session import Session
from ansible_collections.xen.xapi.plugins.module_utils._client.transport import Transport
from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import Selection
from ansible_collections.xen.xapi.plugins.module_utils._wait.completion import CompletionCondition
from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import CompletionRules
from ansible_collections.xen.xapi.plugins.module_utils._wait.waiter import Waiter
from ansible_collections.xen.xapi.tests.benchmarks.pools import PASSWORD, USERNAME
from ansible_collections.xen.xapi.tests.simulator.tasks import FINAL
from ansible_collections.xen.xapi.tests.support.module_runner import ModuleRun

POLL_INTERVAL = 2.0
_listed = ""


class Bare:
    """One connection, http.client and json: the least that a client can do."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port)
        self.session = self.text = ""
        self.session = self.call("session.login_with_password", USERNAME, PASSWORD, "1.0", "bare")

    def call(self, method: str, *params: Any) -> Any:
        sent = [self.session, *params] if self.session else list(params)
        request = {"jsonrpc": "2.0", "method": method, "params": sent, "id": 1}
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", "/jsonrpc", json.dumps(request), headers)
        self.text = self._connection.getresponse().read().decode()
        return json.loads(self.text)["result"]

    def close(self) -> None:
        self.call("session.logout")
        self._connection.close()


def bare_wait(url: str, refs: list[str]) -> dict[str, Any]:
    """Until the first of some tasks has ended."""
    with contextlib.closing(Bare(url)) as bare:
        classes, token = [f"task/{ref}" for ref in refs], ""
        while True:
            batch = bare.call("event.from", classes, token, 30.0)
            token = batch["token"]
            if any(event["snapshot"]["status"] in FINAL for event in batch["events"]):
                return {"at": time.monotonic()}


def bare_list(url: str) -> dict[str, Any]:
    global _listed
    with contextlib.closing(Bare(url)) as bare:
        began, cpu = time.perf_counter(), time.process_time()
        count = len(bare.call("task.get_all_records"))
        _listed = bare.text
        return {
            "wall": time.perf_counter() - began,
            "cpu": time.process_time() - cpu,
            "count": count,
        }


def bare_json(_url: str) -> dict[str, Any]:
    """Only parse the last answer to bare_list, in the same process."""
    return {"count": len(json.loads(_listed)["result"])}


def bare_cancel(url: str, refs: list[str]) -> dict[str, Any]:
    with contextlib.closing(Bare(url)) as bare:
        for ref in refs:
            bare.call("task.cancel", ref)
        running = set(refs)
        while running:
            records = bare.call("task.get_all_records")
            running = {ref for ref in running if records[ref]["status"] not in FINAL}
        return {"count": sum(records[ref]["status"] == "cancelled" for ref in refs)}


def bare_changes(url: str, refs: list[str]) -> dict[str, Any]:
    """When the end of each of some tasks was seen."""
    with contextlib.closing(Bare(url)) as bare:
        classes, token, seen = [f"task/{ref}" for ref in refs], "", {}
        while len(seen) < len(refs):
            batch = bare.call("event.from", classes, token, 30.0)
            token = batch["token"]
            for event in batch["events"]:
                if event["snapshot"]["status"] in FINAL:
                    seen.setdefault(event["ref"], time.monotonic())
        return {"seen": seen}


def source_wait(url: str, _refs: list[str]) -> dict[str, Any]:
    """Until the first end is in the queue of the event source."""
    return {"at": min(_events_in_queue(url, 1).values())}


def source_changes(url: str, refs: list[str]) -> dict[str, Any]:
    """When the event for the end of each task was in the queue."""
    return {"seen": _events_in_queue(url, len(refs))}


def _events_in_queue(url: str, count: int) -> dict[str, float]:
    seen: dict[str, float] = {}

    class Queue:
        async def put(self, event: dict[str, Any]) -> None:
            ref = event["task"]["ref"]
            if ref in seen:
                raise RuntimeError(f"two events for {ref}")
            seen[ref] = time.monotonic()
            if len(seen) == count:
                is_complete.set()

    async def run() -> None:
        options = {"hostname": url, "username": USERNAME, "password": PASSWORD}
        source = asyncio.create_task(task_events.main(Queue(), options))  # type: ignore[arg-type]
        complete = asyncio.create_task(is_complete.wait())
        await asyncio.wait([source, complete], return_when=asyncio.FIRST_COMPLETED)
        source.cancel()
        await asyncio.gather(source, return_exceptions=True)

    is_complete = asyncio.Event()
    # The warning about http is not for the output of a benchmark.
    logging.getLogger("xen.xapi.task_events").setLevel(logging.ERROR)
    asyncio.run(run())
    return seen


@contextlib.contextmanager
def _sdk(url: str) -> Iterator[Any]:
    session = XenAPI.Session(url)
    session.xenapi.login_with_password(USERNAME, PASSWORD, "1.0", "sdk")
    try:
        yield session.xenapi
    finally:
        session.xenapi.session.logout()


def polling_wait(url: str, refs: list[str]) -> dict[str, Any]:
    with _sdk(url) as xenapi:
        while True:
            if any(xenapi.task.get_status(ref) in FINAL for ref in refs):
                return {"at": time.monotonic()}
            time.sleep(POLL_INTERVAL)


def sdk_wait(url: str, refs: list[str]) -> dict[str, Any]:
    """The event loop that the package's examples show."""
    wanted, token = set(refs), ""
    with _sdk(url) as xenapi:
        while True:
            batch = xenapi.event_from(["task"], token, 30.0)
            token = batch["token"]
            for event in batch["events"]:
                if event["ref"] in wanted and event.get("snapshot", {}).get("status") in FINAL:
                    return {"at": time.monotonic()}


def sdk_list(url: str) -> dict[str, Any]:
    with _sdk(url) as xenapi:
        began, cpu = time.perf_counter(), time.process_time()
        count = len(xenapi.task.get_all_records())
        return {
            "wall": time.perf_counter() - began,
            "cpu": time.process_time() - cpu,
            "count": count,
        }


def polling_cancel(url: str, refs: list[str]) -> dict[str, Any]:
    with _sdk(url) as xenapi:
        for ref in refs:
            xenapi.task.cancel(ref)
        left = list(refs)
        while left:
            left = [ref for ref in left if xenapi.task.get_status(ref) not in FINAL]
            time.sleep(POLL_INTERVAL if left else 0)
        return {"count": len(refs)}


def _session(url: str) -> Session:
    address = urlsplit(url)
    return Session(
        Transport(validate_certs=True, ca_path=None, stop=lambda: None),
        endpoints=[Endpoint("http", address.hostname or "", address.port or 80)],
        username=USERNAME,
        password=PASSWORD,
        add_secret=lambda _ref: None,
    )


def _work(module: str, url: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a module, without the time of Ansible."""
    run = ModuleRun(module, options, lambda: _session(url))
    result = run.work()
    assert not run.warnings
    return result


def our_wait(url: str, refs: list[str]) -> dict[str, Any]:
    with _session(url) as session:
        condition = CompletionCondition(
            session, Selection(refs=tuple(refs)), CompletionRules(wait_for="any")
        )
        Waiter(session, condition, timeout=600).wait()
        return {"at": time.monotonic()}


def our_list(url: str) -> dict[str, Any]:
    return {"count": len(_work("task_info", url, {})["tasks"])}


def our_cancel(url: str, refs: list[str]) -> dict[str, Any]:
    found = _work("task_cancel", url, {"ref": refs, "timeout": "600"})
    return {"count": len(found["by_action"]["cancelled"])}


def our_changes(url: str, refs: list[str]) -> dict[str, Any]:
    seen: dict[str, float] = {}
    with _session(url) as session:
        condition = CompletionCondition(session, Selection(refs=tuple(refs)), CompletionRules())
        update = condition.set.update

        def note(task: Task) -> bool:
            if task.is_finished:
                seen.setdefault(task.ref, time.monotonic())
            return update(task)

        condition.set.update = note  # type: ignore[method-assign]
        Waiter(session, condition, timeout=600).wait()
    return {"seen": seen}
