# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._client.session import Session
from ansible_collections.xen.xapi.plugins.module_utils._errors import InvalidResponse
from ansible_collections.xen.xapi.plugins.module_utils._wait.intervals import RESYNC_INTERVAL
from ansible_collections.xen.xapi.plugins.module_utils._wait.watcher import (
    MAX_REFS,
    EventWatcher,
    PollingWatcher,
    WatchScope,
)
from ansible_collections.xen.xapi.tests.support.samples import NO_REF
from ansible_collections.xen.xapi.tests.support.virtual.transport import (
    VirtualWire,
    virtual_session,
)


@pytest.fixture
def wire(virtual):
    return VirtualWire(virtual)


@pytest.fixture
def session(virtual, wire):
    with virtual_session(wire, virtual) as session:
        session.call("pool.get_all_records")
        wire.asked_at.clear()
        yield session


@pytest.fixture
def polls(virtual, session):
    return PollingWatcher(session, interval=2.0, sleep=virtual.solo.advance)


class Recorder:
    """A session that records its event calls, and returns prepared answers."""

    read, validate = Session.read, Session.validate

    def __init__(self, *answers):
        self.asked = []
        self._answers = list(answers)

    def read_events(self, classes, token, seconds):
        self.asked.append((classes, token, seconds))
        return self._answers.pop(0)


def batch(token, *events):
    return {"events": list(events), "valid_ref_counts": {}, "token": token}


def methods(wire):
    return [method for _at, method in wire.asked_at]


def statuses(update):
    return {task.ref: task.status for task in update.tasks}


def test_poll_reads_single_task_with_get_record(virtual, wire, polls):
    ref = virtual.add_task("one")
    assert statuses(polls.refresh(WatchScope((ref,)))) == {ref: "pending"}
    assert statuses(polls.refresh(WatchScope((NO_REF,)))) == {}
    assert methods(wire) == ["task.get_record"] * 2


def test_poll_reads_several_tasks_with_one_listing(virtual, wire, polls):
    refs = [virtual.add_task("some") for _number in range(3)]
    virtual.add_task("another")
    assert set(statuses(polls.refresh(WatchScope((*refs, NO_REF))))) == set(refs)
    assert methods(wire) == ["task.get_all_records"]


def test_poll_of_unrestricted_scope_returns_all_tasks(virtual, polls):
    refs = {virtual.add_task("some") for _number in range(3)}
    assert set(statuses(polls.refresh(WatchScope(None)))) == refs


def test_poll_of_empty_scope_sends_no_request(wire, polls):
    assert statuses(polls.refresh(WatchScope(()))) == {}
    assert methods(wire) == []


def test_poll_reads_operations_of_object(virtual, wire, polls):
    vm = virtual.inventory.add_vm("web-1")
    assert polls.refresh(WatchScope((), ("VM", vm))).operations == {}
    assert polls.refresh(WatchScope((), ("VM", NO_REF))).operations is None
    assert methods(wire) == ["VM.get_current_operations"] * 2


def test_poll_reads_hosts_only_if_requested(virtual, polls):
    assert set(polls.refresh(WatchScope(None, hosts=True)).hosts) == {
        member.ref for member in virtual.members
    }
    assert polls.refresh(WatchScope(None)).hosts == {}


def test_poll_wait_sends_no_request(virtual, wire, polls):
    before = virtual.now()
    assert statuses(polls.wait(1.5)) == {}
    assert virtual.now() - before == pytest.approx(1.5)
    assert methods(wire) == []


def test_resync_intervals_of_polling_and_events(session, polls):
    assert polls.refresh_interval == 2.0
    assert EventWatcher(session).refresh_interval == RESYNC_INTERVAL == 30.0


def test_event_resync_returns_all_existing_tasks_in_scope(virtual, session):
    refs = [virtual.add_task("some"), virtual.add_task("done", status="success")]
    other = virtual.add_task("another")
    virtual.destroy_task(virtual.add_task("short"))
    update = EventWatcher(session).refresh(WatchScope((*refs, NO_REF)))
    assert statuses(update) == {refs[0]: "pending", refs[1]: "success"}
    assert set(statuses(EventWatcher(session).refresh(WatchScope(None)))) == {*refs, other}


def test_event_wait_returns_changes_since_resync(virtual, session):
    """Also what was changed before the wait began."""
    refs = [virtual.add_task("some") for _number in range(3)]
    watch = EventWatcher(session)
    watch.refresh(WatchScope(tuple(refs)))
    virtual.set_task(refs[0], status="success")
    assert statuses(watch.wait(30.0)) == {refs[0]: "success"}
    virtual.at(5, lambda: virtual.destroy_task(refs[1]))
    before = virtual.now()
    assert watch.wait(30.0).deleted == {refs[1]}
    assert virtual.now() - before == pytest.approx(5, abs=0.01)
    assert watch.wait(3.0).deleted == frozenset()


def test_event_resync_includes_tasks_added_to_scope(virtual, session):
    watch, ref = EventWatcher(session), virtual.add_task("first")
    watch.refresh(WatchScope((ref,)))
    late = virtual.add_task("late")
    assert statuses(watch.refresh(WatchScope((ref, late)))) == {ref: "pending", late: "pending"}


def test_object_operations_are_reported_only_on_resync_or_change(virtual, session):
    vm = virtual.inventory.add_vm("web-1")
    watch = EventWatcher(session)
    assert watch.refresh(WatchScope((), ("VM", vm))).operations == {}
    # Nothing is said of it as long as nothing changes.
    assert watch.wait(1.0).operations is None


def test_malformed_event_batch_keeps_previous_token(session, monkeypatch):
    """The next wait continues from the previous answer, so it misses no change."""
    asked = []
    answers = [{"events": [], "token": "1"}, {"events": None, "token": "2"}, {"events": [1]}]

    def answer(_classes, token, _seconds):
        asked.append(token)
        return answers[len(asked) - 1]

    monkeypatch.setattr(session, "read_events", answer)
    watch = EventWatcher(session)
    watch.refresh(WatchScope(("a",)))
    for _malformed in range(2):
        with pytest.raises(InvalidResponse):
            watch.wait(30.0)
    assert asked == ["", "1", "1"]


def test_resync_starts_new_token_and_wait_continues_from_it():
    session = Recorder(batch("1"), batch("2"), batch("3"), batch("4"))
    watch = EventWatcher(session)
    watch.refresh(WatchScope(("a",)))
    watch.wait(30.0)
    watch.wait(12.0)
    watch.refresh(WatchScope(("a", "b")))
    assert session.asked == [
        (["task/a"], "", 0.0),
        (["task/a"], "1", 30.0),
        (["task/a"], "2", 12.0),
        (["task/a", "task/b"], "", 0.0),
    ]


@pytest.mark.parametrize(("count", "is_listed"), [(MAX_REFS, True), (MAX_REFS + 1, False)])
def test_scope_over_limit_subscribes_to_whole_class(count, is_listed):
    session = Recorder(batch("1"))
    EventWatcher(session).refresh(WatchScope(tuple(f"ref-{number}" for number in range(count))))
    ((classes, _token, _seconds),) = session.asked
    assert len(classes) == (count if is_listed else 1)
    assert (classes == ["task"]) is not is_listed


def test_event_scope_subscribes_to_object_and_hosts():
    vm = {"class": "vm", "operation": "mod", "ref": "v", "snapshot": {"current_operations": {}}}
    other = {**vm, "ref": "other", "snapshot": {"current_operations": {"t": "start"}}}
    host = {
        "class": "host",
        "operation": "add",
        "ref": "h",
        "snapshot": {"metrics": "m", "enabled": True},
    }
    session = Recorder(batch("1", vm, other, host))
    update = EventWatcher(session).refresh(WatchScope(None, ("VM", "v"), hosts=True))
    assert session.asked[0][0] == ["task", "VM/v", "host"]
    assert update.operations == {}
    assert update.hosts == {"h": {"metrics": "m", "enabled": True}}


def test_deletion_event_yields_deleted_ref_without_task():
    gone = {"class": "task", "operation": "del", "ref": "a"}
    update = EventWatcher(Recorder(batch("1", gone))).refresh(WatchScope(("a",)))
    assert (update.tasks, update.deleted) == ([], {"a"})
