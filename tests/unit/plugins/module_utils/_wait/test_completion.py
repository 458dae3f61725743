# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conditions that are told of some changes late, or not at all, as when an event is lost."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._errors import OptionError
from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import (
    ObjectOption,
    Selection,
)
from ansible_collections.xen.xapi.plugins.module_utils._validators import parse_regex
from ansible_collections.xen.xapi.plugins.module_utils._wait.completion import CompletionCondition
from ansible_collections.xen.xapi.plugins.module_utils._wait.quiet import QuietCondition
from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import (
    CompletionRules,
    Decision,
)
from ansible_collections.xen.xapi.plugins.module_utils._wait.watcher import (
    PollingWatcher,
    Update,
)
from ansible_collections.xen.xapi.tests.support.virtual.transport import (
    VirtualWire,
    virtual_session,
)

COPY = "Async.VM.copy"


class BlindWatcher(PollingWatcher):
    """A watch that does not show some tasks."""

    def __init__(self, session, pool):
        super().__init__(session, interval=2.0, sleep=pool.solo.advance)
        self.hidden = set()

    def refresh(self, scope):
        update = super().refresh(scope)
        shown = [task for task in update.tasks if task.ref not in self.hidden]
        return dataclasses.replace(update, tasks=shown)


@contextlib.contextmanager
def watching(pool, make_condition):
    with virtual_session(VirtualWire(pool), pool) as session:
        yield make_condition(session), BlindWatcher(session, pool)


def completion(pool, selection=None):
    selection = selection or Selection(name_label=COPY, is_gate=True)
    return watching(
        pool,
        lambda session: CompletionCondition(session, selection, CompletionRules(), clock=pool.now),
    )


@pytest.mark.parametrize("end", ["success", "failure"])
def test_last_listing_adds_matches_that_were_not_reported(virtual, end):
    first = virtual.add_task(COPY)
    with completion(virtual) as (condition, watch):
        condition.refresh(watch)
        watch.hidden = {second := virtual.add_task(COPY)}
        virtual.set_task(first, status="success")
        condition.refresh(watch)
        assert (condition.decision, condition.needs_refresh) == (Decision.PENDING, True)
        condition.refresh(watch)
        assert condition.set.running == {second}
        # The second match needs a last listing as well.
        watch.hidden = {third := virtual.add_task(COPY, status=end)}
        virtual.set_task(second, status="success")
        condition.refresh(watch)
        assert condition.decision is Decision.PENDING
        condition.refresh(watch)
        assert condition.decision is (Decision.MET if end == "success" else Decision.FAILED)
        assert list(condition.set.tasks) == [first, second, third]


def test_deletion_is_not_an_end_until_it_is_confirmed(virtual):
    ref = virtual.add_task(COPY)
    with completion(virtual) as (condition, watch):
        condition.refresh(watch)
        condition.refresh(watch)
        assert not condition.needs_refresh
        assert condition.apply(Update(deleted=frozenset({ref})))
        assert (condition.decision, condition.needs_refresh) == (Decision.PENDING, True)
        virtual.destroy_task(ref)
        condition.refresh(watch)
        assert condition.decision is Decision.FAILED


def test_task_that_is_not_listed_is_read_before_it_counts_as_gone(virtual):
    ref = virtual.add_task(COPY)
    with completion(virtual) as (condition, watch):
        condition.refresh(watch)
        watch.hidden = {ref}
        condition.refresh(watch)
        assert (condition.decision, condition.set.running) == (Decision.PENDING, {ref})


def test_task_that_object_named_once_belongs_to_it(virtual):
    virtual.inventory.fill()
    vm = virtual.find("VM", "web-1")
    uuid = virtual.database.read("VM", vm)["uuid"]
    first, late = virtual.add_task(COPY), virtual.add_task(COPY)
    virtual.database.write("VM", vm, "current_operations", {first: "copy"})
    selection = Selection(object=ObjectOption(type="VM", uuid=uuid), is_gate=True)
    with completion(virtual, selection) as (condition, watch):
        condition.refresh(watch)
        assert set(condition.set.tasks) == {first}
        condition.apply(Update(operations={first: "copy", late: "copy"}))
        condition.apply(Update(operations={first: "copy"}))
        virtual.set_task(late, status="failure")
        condition.apply(Update(tasks=[Task(late, virtual.record(late))]))
        assert condition.set.unexpected == {late}


LITERAL = "[XO] Exporting"


@pytest.fixture
def by_regex():
    return Selection(name_regex=parse_regex("name_regex", LITERAL), is_gate=True)


def test_first_listing_compares_name_regex_with_labels_as_text(virtual, by_regex):
    virtual.add_task(LITERAL)
    with (
        completion(virtual, by_regex) as (condition, watch),
        pytest.raises(OptionError, match="name_regex"),
    ):
        condition.refresh(watch)


def test_updates_compare_name_regex_with_labels_as_text(virtual, by_regex):
    virtual.add_task("X Exporting")
    with completion(virtual, by_regex) as (condition, watch):
        condition.refresh(watch)
        virtual.add_task(LITERAL)
        with pytest.raises(OptionError, match="name_regex"):
            condition.refresh(watch)


def test_last_listing_compares_name_regex_with_labels_as_text(virtual, by_regex):
    ref = virtual.add_task("X Exporting")
    with completion(virtual, by_regex) as (condition, watch):
        condition.refresh(watch)
        watch.hidden = {virtual.add_task(LITERAL)}
        virtual.set_task(ref, status="success")
        condition.refresh(watch)
        with pytest.raises(OptionError, match="name_regex"):
            condition.refresh(watch)


def test_match_that_is_not_listed_is_read_before_it_counts_as_gone(virtual):
    ref = virtual.add_task(COPY)
    with watching(
        virtual,
        lambda session: QuietCondition(session, Selection(), quiet_for=0.0, clock=virtual.now),
    ) as (condition, watch):
        condition.refresh(watch)
        watch.hidden = {ref}
        condition.refresh(watch)
        assert condition.decision is Decision.PENDING
        assert list(condition.matches.running) == [ref]
