# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source as ansible-rulebook calls it, in this process and on a real connection."""

from __future__ import annotations

import asyncio
import ctypes
import json
import logging
import os
import signal
import socket
import traceback

import pytest

from ansible_collections.xen.xapi.extensions.eda.plugins.event_source import task_events
from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.fixtures import secrets_of
from ansible_collections.xen.xapi.tests.support.polling import TIMEOUT

COPY = "Async.VM.copy"
LOGGER = "xen.xapi.task_events"


class ListQueue(list):
    """A queue of which the test is told when an event comes, and which can be slow."""

    def __init__(self):
        super().__init__()
        self.changed = asyncio.Event()
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def put(self, event):
        await self.is_open.wait()
        self.append(event)
        self.changed.set()

    async def until(self, condition):
        """Wait until the events meet a condition."""
        while not condition(self):
            await asyncio.wait_for(self.changed.wait(), TIMEOUT)
            self.changed.clear()


def run(pool, scenario, **options):
    """Run the source while a scenario acts on the pool, then cancel it; return the events."""

    async def play():
        queue = ListQueue()
        args = {"hostname": pool.url, "password": pool.password, **options}
        source = asyncio.create_task(task_events.main(queue, args))
        acting = asyncio.create_task(scenario(queue))
        await asyncio.wait([source, acting], return_when=asyncio.FIRST_COMPLETED)
        if not acting.done():
            acting.cancel()
        source.cancel()
        done = await asyncio.gather(source, return_exceptions=True)
        if isinstance(done[0], task_events.SourceError):
            raise done[0]
        acting.result()
        return list(queue)

    return asyncio.run(play())


async def listed(pool):
    """Wait until the source has listed the tasks, so that an end from now on is reported."""
    deadline = asyncio.get_running_loop().time() + TIMEOUT
    # The second call waits for changes since the listing.
    while len(pool.log.of("event.from")) < 2:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.005)


def test_end_comes_into_the_queue_and_cancellation_logs_out(pool, caplog):
    caplog.set_level(logging.DEBUG, logger=LOGGER)
    ref = pool.add_task(COPY, life=Life(duration=None))

    async def scenario(queue):
        await listed(pool)
        pool.set_task(ref, error_info=["CODE", "x"], status="failure")
        await queue.until(len)

    (event,) = run(pool, scenario)
    assert (event["type"], event["task"]["ref"]) == ("failure", ref)
    assert pool.sessions() == []
    text = json.dumps(event) + caplog.text
    assert not [secret for secret in secrets_of(pool) if secret in text]


def test_source_that_is_cancelled_at_once_leaves_no_session(pool):
    async def scenario(_queue):
        await asyncio.sleep(0)

    assert run(pool, scenario) == []


def test_full_buffer_becomes_one_event_and_reading_goes_on(pool):
    refs = [pool.add_task(COPY, life=Life(duration=None)) for _number in range(20)]
    last = pool.add_task(COPY, life=Life(duration=None))

    async def scenario(queue):
        await listed(pool)
        queue.is_open.clear()
        for ref in refs:
            pool.set_task(ref, status="success")
        # The source answers each batch by a further request, whether or not there is space.
        before, progress = len(pool.log.of("event.from")), 0.0
        while len(pool.log.of("event.from")) < before + 3:
            progress += 0.001
            pool.set_task(last, progress=progress)
            await asyncio.sleep(0.005)
        queue.is_open.set()
        await queue.until(lambda events: any(one["type"] == "overflow" for one in events))
        pool.set_task(last, status="success")
        await queue.until(lambda events: last in ends_of(events))

    events = run(pool, scenario, buffer_size=5)
    losses = [event for event in events if event["type"] == "overflow"]
    ends = ends_of(events)
    assert ends[-1] == last
    assert len(ends) == len(set(ends))
    assert len(ends) - 1 + sum(loss["lost"] for loss in losses) == 20
    assert losses[0]["message"] == (
        f"Events were lost because the rules were too slow: {losses[0]['lost']}."
    )


def ends_of(events):
    return [event["task"]["ref"] for event in events if event["type"] == "success"]


async def nothing(queue):
    await queue.until(len)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": ["bakup"]}, "value of kind must be one or more of"),
        ({"hostname": ""}, "argument 'hostname': '' is not a valid host"),
        ({"uuid": "x"}, "argument 'uuid' names tasks that exist already"),
        ({"resident_on": "no-host"}, "argument 'resident_on': 'no-host' is no host of this pool."),
        ({"password": "wrong"}, "Login to "),
        ({"session_ref": "OpaqueRef:x"}, "argument 'session_ref' is not a valid reference"),
    ],
)
def test_error_ends_the_source_with_its_message(pool, options, message):
    with pytest.raises(task_events.SourceError) as caught:
        run(pool, nothing, **options)
    assert str(caught.value).startswith(message)
    assert caught.value.__cause__ is None


def test_name_that_cannot_be_resolved_at_the_start_ends_the_source(pool, monkeypatch):
    def fail(*_arguments, **_named):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    async def resolve(queue):
        monkeypatch.setattr(socket, "getaddrinfo", fail)
        await queue.until(len)

    with pytest.raises(task_events.SourceError, match="cannot be resolved: check hostname"):
        run(pool, resolve, hostname="xcp1.example.com")


def test_misplaced_password_is_masked_in_errors(pool):
    with pytest.raises(task_events.SourceError) as caught:
        run(pool, nothing, hostname="root:pw1@xcp1")
    assert "pw1" not in str(caught.value)


def test_argument_that_ansible_rulebook_adds_is_ignored(pool):
    async def scenario(_queue):
        await listed(pool)

    assert run(pool, scenario, eda_feedback_queue=object()) == []


def test_slow_regex_ends_the_source_instead_of_blocking_it(pool):
    pool.add_task("a" * 40)
    with pytest.raises(task_events.SourceError, match="took more than 2 s on the labels"):
        run(pool, nothing, name_regex="(a+)+b")


def test_defect_ends_the_source_with_a_request_to_report_it(pool, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG, logger=LOGGER)

    def fail(*_arguments):
        raise KeyError(pool.password)

    monkeypatch.setattr(task_events, "emit_events", fail)
    with pytest.raises(task_events.SourceError) as caught:
        run(pool, nothing)
    assert str(caught.value).startswith("This is a defect of the collection xen.xapi, please")
    shown = "".join(traceback.format_exception(caught.value))
    assert "in fail" in caplog.text
    assert pool.password not in shown + caplog.text


def test_second_cancellation_does_not_prevent_the_logout(pool):
    async def play():
        args = {"hostname": pool.url, "password": pool.password}
        source = asyncio.create_task(task_events.main(ListQueue(), args))
        await listed(pool)
        source.cancel()
        await asyncio.sleep(0)
        source.cancel()
        await asyncio.gather(source, return_exceptions=True)
        assert source.cancelled()

    asyncio.run(play())
    assert pool.sessions() == []


def test_signal_handlers_that_the_java_runtime_replaced_work_again(pool, monkeypatch):
    received = []
    before = signal.signal(signal.SIGUSR1, lambda number, _frame: received.append(number))
    monkeypatch.setattr(task_events, "_ENDING_SIGNALS", (signal.SIGUSR1,))

    async def scenario(_queue):
        await listed(pool)
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.sleep(0)

    try:
        # As Java does, past Python: 1 stands for ignoring the signal.
        ctypes.CDLL(None).signal(signal.SIGUSR1, ctypes.c_void_p(1))
        run(pool, scenario)
        assert received == [signal.SIGUSR1]
    finally:
        signal.signal(signal.SIGUSR1, before)
