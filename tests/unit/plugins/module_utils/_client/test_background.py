# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._client.background import (
    BackgroundCall,
    BodyCancelled,
    CancellableBody,
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


def test_background_call_returns_result():
    exchange = BackgroundCall(lambda: "told")
    for _moment in exchange.poll_until(FOREVER, lambda: 0):
        pass
    assert (exchange.has_ended, exchange.result, exchange.error) == (True, "told", None)


def test_background_call_stores_raised_error():
    error = OSError("trouble")

    def fail():
        raise error

    exchange = BackgroundCall(fail)
    list(exchange.poll_until(FOREVER, lambda: 0))
    assert exchange.error is error


def test_background_call_is_awaited_until_deadline():
    may_end, times = threading.Event(), iter([9.0, 9.1, 9.9, 9.95, 10.0, 10.1])
    exchange = BackgroundCall(may_end.wait)
    assert len(list(exchange.poll_until(10, lambda: next(times)))) == 2
    assert not exchange.has_ended
    may_end.set()
