# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._client.background import (
    BodyCancelled,
    CancellableBody,
    Worker,
)

FOREVER = 3600


def test_request_body_cannot_be_cancelled_once_read():
    letter = CancellableBody(b"text")
    assert len(letter) == 4
    pieces = iter(letter)
    assert not letter.is_sent
    assert list(pieces) == [b"text"]
    assert letter.is_sent
    assert not letter.cancel()


def test_cancelled_request_body_raises_when_read():
    letter = CancellableBody(b"text")
    assert letter.cancel()
    with pytest.raises(BodyCancelled):
        list(letter)
    assert letter.cancel()


@pytest.fixture
def worker():
    worker = Worker()
    yield worker
    worker.stop()


def test_background_call_returns_result(worker):
    call = worker.submit(lambda: "told")
    for _moment in call.poll_until(FOREVER, lambda: 0):
        pass
    assert (call.ended.is_set(), call.result, call.error) == (True, "told", None)


def test_background_call_stores_raised_error(worker):
    error = OSError("cut off")

    def fail():
        raise error

    call = worker.submit(fail)
    list(call.poll_until(FOREVER, lambda: 0))
    assert call.error is error


def test_background_call_is_awaited_until_deadline(worker):
    may_end, times = threading.Event(), iter([9.0, 9.1, 9.9, 9.95, 10.0, 10.1])
    call = worker.submit(may_end.wait)
    assert len(list(call.poll_until(10, lambda: next(times)))) == 2
    assert not call.ended.is_set()
    assert not worker.is_free
    may_end.set()
    assert call.ended.wait(FOREVER)
    assert worker.is_free


def test_calls_of_worker_share_one_thread(worker):
    calls = [worker.submit(threading.current_thread) for _number in range(3)]
    assert all(call.ended.wait(FOREVER) for call in calls)
    assert {call.result for call in calls} == {worker}


def test_stopped_worker_ends_after_its_calls():
    worker, may_end = Worker(), threading.Event()
    call = worker.submit(may_end.wait)
    worker.stop()
    may_end.set()
    worker.join(FOREVER)
    assert call.result is True
    assert not worker.is_free


def test_worker_does_not_keep_result(worker):
    class Large:
        pass

    call = worker.submit(Large)
    assert call.ended.wait(FOREVER)
    large = weakref.ref(call.result)
    worker.submit(int).ended.wait(FOREVER)
    worker.submit(threading.Event().wait)
    del call
    gc.collect()
    assert large() is None
