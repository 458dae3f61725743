# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._errors import OddResult
from ansible_collections.xen.xapi.plugins.module_utils._watch import (
    MOST_REFS,
    EventWatch,
    Scope,
)


class Recorder:
    """A session that keeps what it was asked, and answers what it is told."""

    def __init__(self, *answers):
        self.asked = []
        self._answers = list(answers)

    def events_from(self, classes, token, seconds):
        self.asked.append((classes, token, seconds))
        return self._answers.pop(0)

    def odd_result(self, method, field):
        return OddResult("https://pool", method=method, field=field)


def batch(token, *events):
    return {"events": list(events), "valid_ref_counts": {}, "token": token}


def test_a_look_begins_anew_and_a_wait_goes_on():
    session = Recorder(batch("1"), batch("2"), batch("3"), batch("4"))
    watch = EventWatch(session)
    watch.look(Scope(("a",)))
    watch.wait(30.0)
    watch.wait(12.0)
    watch.look(Scope(("a", "b")))
    assert session.asked == [
        (["task/a"], "", 0.0),
        (["task/a"], "1", 30.0),
        (["task/a"], "2", 12.0),
        (["task/a", "task/b"], "", 0.0),
    ]


@pytest.mark.parametrize(("count", "is_listed"), [(MOST_REFS, True), (MOST_REFS + 1, False)])
def test_too_many_for_a_request_are_watched_as_a_class(count, is_listed):
    session = Recorder(batch("1"))
    EventWatch(session).look(Scope(tuple(f"ref-{number}" for number in range(count))))
    ((classes, _token, _seconds),) = session.asked
    assert len(classes) == (count if is_listed else 1)
    assert (classes == ["task"]) is not is_listed


def test_an_object_and_hosts_are_watched_as_well():
    vm = {"class": "vm", "operation": "mod", "ref": "v", "snapshot": {"current_operations": {}}}
    other = {**vm, "ref": "other", "snapshot": {"current_operations": {"t": "start"}}}
    host = {"class": "host", "operation": "add", "ref": "h", "snapshot": {"metrics": "m"}}
    session = Recorder(batch("1", vm, other, host))
    sight = EventWatch(session).look(Scope(None, ("VM", "v"), hosts=True))
    assert session.asked[0][0] == ["task", "VM/v", "host"]
    assert sight.operations == {}
    assert sight.hosts == {"h": {"metrics": "m"}}


def test_a_deletion_has_no_record():
    gone = {"class": "task", "operation": "del", "ref": "a"}
    sight = EventWatch(Recorder(batch("1", gone))).look(Scope(("a",)))
    assert (sight.tasks, sight.deleted) == ([], {"a"})


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"events": None, "token": "1"},
        {"events": [1], "token": "1"},
        {"events": [{"class": "task", "operation": "mod", "ref": "a"}], "token": "1"},
        {"events": []},
    ],
    ids=str,
)
def test_what_is_no_batch_of_events(answer):
    with pytest.raises(OddResult):
        EventWatch(Recorder(answer)).look(Scope(("a",)))
