# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.xen.xapi.plugins.module_utils._events.buffer import EventBuffer


def buffer_of(size):
    return EventBuffer(size, report_loss=lambda lost: {"lost": lost})


def taken(buffer):
    events = []
    while (event := buffer.take()) is not None:
        events.append(event)
    return events


def test_events_come_out_in_order():
    buffer = buffer_of(3)
    assert [buffer.add({"number": number}) for number in range(3)] == [True, False, False]
    assert taken(buffer) == [{"number": 0}, {"number": 1}, {"number": 2}]


def test_loss_is_reported_in_place_of_lost_events():
    buffer = buffer_of(2)
    for number in range(5):
        buffer.add({"number": number})
    assert len(buffer) == 2
    assert taken(buffer) == [{"number": 0}, {"number": 1}, {"lost": 3}]


def test_loss_is_reported_before_later_events():
    buffer = buffer_of(2)
    for number in range(4):
        buffer.add({"number": number})
    assert buffer.take() == {"number": 0}
    assert buffer.take() == {"number": 1}
    buffer.add({"number": 4})
    assert taken(buffer) == [{"lost": 2}, {"number": 4}]


def test_each_lost_event_counts_once_and_buffer_stays_bounded():
    buffer = buffer_of(4)
    received = lost = 0
    for number in range(1000):
        buffer.add({"number": number})
        assert len(buffer) <= 4
        if number % 3 == 0:
            event = buffer.take()
            lost += event.get("lost", 0)
            received += "number" in event
    for event in taken(buffer):
        lost += event.get("lost", 0)
        received += "number" in event
    assert received + lost == 1000
    assert lost > 0
