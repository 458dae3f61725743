# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role by kind of task, and the page that it writes."""

from __future__ import annotations

import json

import pytest

from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.samples import ENDLESS, LONG_AGO

SCRIPT = "<script>alert(1)</script> {{ lookup('pipe', 'echo EVALUATED') }}"
QUIET = {"quiet_for": "0", "timeout": "3"}
# Tasks that ended before the first check count, too.
SINCE = {"created_after": "2020-01-01T00:00:00Z"}


@pytest.fixture
def gate(pool, tmp_path, play_file):
    """Plays one entry point of the role for the pool; returns its output and how it ended."""

    def run(entry="quiesce", *options, rescued=(), **variables):
        include = {
            "ansible.builtin.include_role": {"name": "xen.xapi.task_gate", "tasks_from": entry},
            "vars": {f"task_gate_{name}": value for name, value in variables.items()},
        }
        say = {"ansible.builtin.debug": {"msg": "SHUT: {{ ansible_failed_result.msg }}"}}
        tasks = [{"block": [include], "rescue": [say, *rescued]}]
        variables = {"task_gate_hostname": pool.url, "task_gate_password": pool.password}
        play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}
        playbook = tmp_path / "gate.yml"
        playbook.write_text(json.dumps([play]))
        output = play_file(playbook, *options)
        return output, "SHUT: " in output

    return run


@pytest.fixture
def page(tmp_path):
    return tmp_path / "gate.html"


@pytest.mark.parametrize(
    ("label", "is_shut"), [("[XO] VM export", True), ("Async.VM.start", False)]
)
def test_quiesce_by_kind_backup_waits_for_backups_only(pool, gate, label, is_shut):
    pool.add_task(label, life=ENDLESS)
    assert gate(kind=["backup"], **QUIET)[1] is is_shut


def test_main_by_kind_waits_for_tasks_of_the_kind(pool, gate):
    pool.add_task("Async.VM.start", life=Life(0.2, outcome="failure"))
    pool.add_task("Async.VM.copy", life=Life(0.2))
    assert not gate("main", kind=["copy"], timeout="20", **SINCE)[1]


def test_cleanup_by_kind_spares_other_kinds(start_pool, pool, gate):
    copy, other = (
        pool.add_task(label, life=ENDLESS, created=LONG_AGO)
        for label in ("Async.VM.copy", "Async.VM.snapshot")
    )
    gate("cleanup", name_regex="Async.+", kind=["copy"], idle_for="0", apply=True)
    asked = [call.params[0] for call in pool.log.of("task.cancel")]
    assert asked == [copy]
    assert other not in asked


def test_unknown_kind_is_refused_before_any_request(pool, gate):
    output, is_shut = gate(kind=["backups"])
    assert is_shut
    assert "task_gate_kind must be one or more of: export, import" in output
    assert not pool.log


@pytest.mark.parametrize("is_shut", [False, True])
@pytest.mark.parametrize("entry", ["main", "quiesce"])
def test_report_is_written_whether_the_gate_opens_or_not(pool, gate, page, entry, is_shut):
    life = ENDLESS if is_shut else Life(0.2)
    pool.add_task(SCRIPT, life=life)
    options = {"name_regex": "script", "timeout": "3", "report": str(page)}
    options |= {"quiet_for": "0"} if entry == "quiesce" else SINCE
    output, was_shut = gate(entry, **options)
    assert was_shut is is_shut
    text = page.read_text(encoding="utf-8")
    assert ("Failed" in text, "Timed out after 3 s" in text) == (is_shut, is_shut)
    assert ("&lt;script&gt;alert" in text) == (is_shut or entry == "main")
    assert "<script>" not in text
    assert "EVALUATED\n" not in output + text
    assert page.stat().st_mode & 0o777 == 0o640


def test_report_has_the_reason_of_a_failed_condition(pool, gate, page):
    pool.add_task("Async.VM.copy", life=Life(0.2))
    condition = {"assert": ["task_gate_result.tasks | length == 5"]}
    options = {"name_label": "Async.VM.copy", "report": str(page), "timeout": "20", **SINCE}
    assert gate("main", **options, **condition)[1]
    assert "of task_gate_assert does not hold" in page.read_text(encoding="utf-8")


def test_report_of_an_open_gate_does_not_have_the_message_of_an_earlier_one(pool, gate, page):
    pool.add_task("Async.VM.copy", life=ENDLESS)
    pool.add_task("Async.VM.start", life=Life(0.2))
    second = {
        "ansible.builtin.include_role": {"name": "xen.xapi.task_gate"},
        "vars": {"task_gate_name_label": "Async.VM.start", "task_gate_report": str(page)},
    }
    second["vars"] |= {"task_gate_timeout": "20", "task_gate_created_after": "2020-01-01T00:00:00Z"}
    assert gate("main", name_label="Async.VM.copy", timeout="1", rescued=[second])[1]
    text = page.read_text(encoding="utf-8")
    assert "Succeeded" in text
    assert "Timed out" not in text


@pytest.mark.cores
def test_report_of_a_clean_up_lists_its_tasks(pool, gate, page):
    pool.add_task("Async.VM.copy", life=ENDLESS, created=LONG_AGO)
    assert not gate("cleanup", name_regex=r"Async\.VM\.copy", idle_for="0", report=str(page))[1]
    assert "Async.VM.copy" in page.read_text(encoding="utf-8")


def test_report_that_cannot_be_written_fails_an_open_gate(pool, gate, tmp_path):
    output, is_shut = gate(report=str(tmp_path / "none" / "gate.html"), **QUIET)
    assert is_shut
    assert "SHUT: Destination directory" in output


@pytest.mark.parametrize("entry", ["main", "quiesce"])
def test_report_that_cannot_be_written_does_not_hide_why_a_gate_is_shut(
    pool, gate, tmp_path, entry
):
    pool.add_task("Async.VM.copy", life=ENDLESS)
    report = str(tmp_path / "none" / "gate.html")
    output, is_shut = gate(
        entry,
        name_label="Async.VM.copy",
        timeout="1",
        report=report,
        **({"quiet_for": "0"} if entry == "quiesce" else {}),
    )
    assert is_shut
    assert "SHUT: Timed out after 1 s" in output
    assert "The report was not written to" in output


def test_report_is_not_written_in_check_mode(pool, gate, page):
    pool.add_task("Async.VM.copy", life=Life(0.2))
    assert not gate("quiesce", "--check", report=str(page), **QUIET)[1]
    assert not page.exists()


def test_report_is_not_written_without_a_path(gate, tmp_path):
    before = set(tmp_path.iterdir())
    assert not gate(**QUIET)[1]
    made = {path.name for path in set(tmp_path.iterdir()) - before}
    assert made <= {"gate.yml", "variables.json"}
