# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.xapi.plugins.module_utils._errors import OptionError
from ansible_collections.xen.xapi.plugins.module_utils._tasks.literal_regexes import (
    check_literal,
    find_literal,
    is_found_as_text,
)
from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import Selection

EXPORT = "[XO] Exporting content of VDI web-1_0"
IMPORT = "[XO] Importing content into VDI XO CloudConfigDrive (on xcp1)"


def task(label, status="pending"):
    return Task("OpaqueRef:a", {"name_label": label, "status": status})


def selection(pattern, *, option="name_regex", destroys=False, **options):
    regex = re.compile(pattern)
    value = (regex,) if option == "exclude" else regex
    return Selection(**{option: value}, is_destructive=destroys, **options)


@pytest.mark.parametrize(
    ("pattern", "label", "escaped"),
    [
        ("[XO] Exporting content of VDI", EXPORT, r"\[XO\] Exporting content of VDI"),
        ("^[XO] Exporting", EXPORT, r"^\[XO\] Exporting"),
        ("[XO] Importing content into VDI .*", IMPORT, r"\[XO\] Importing content into VDI .*"),
        (
            "[XO] (Importing|Exporting) content",
            IMPORT,
            r"\[XO\] (Importing|Exporting) content",
        ),
        (
            "[XO] (Importing|Exporting) .* (on xcp[0-9]+)",
            IMPORT,
            r"\[XO\] (Importing|Exporting) .* \(on xcp[0-9]+\)",
        ),
        ("backup (nightly)", "backup (nightly) of web-1", r"backup \(nightly\)"),
        ("backup (nightly", "backup (nightly", None),
        ("C++ build", "C++ build", r"C\+\+ build"),
        ("done? yes", "done? yes", r"done\? yes"),
        ("a * b", "a * b", r"a \* b"),
        ("step{2}", "step{2}", r"step\{2\}"),
        ("costs $5", "costs $5 more", r"costs \$5"),
        ("2^8 disks", "2^8 disks", r"2\^8 disks"),
        (r"C:\disks", r"C:\disks", r"C:\\disks"),
        (r"[a].\d(b|c)", r"[a].\d(b|c)", r"\[a\]\.\\d\(b\|c\)"),
    ],
)
def test_rejects_literal_text_given_as_regex(pattern, label, escaped):
    try:
        meant = selection(pattern)
    except re.error:
        # Refused before any task is read; a possessive quantifier is new in Python 3.11.
        assert escaped is None or "++" in pattern
        return
    with pytest.raises(OptionError) as raised:
        check_literal([task("Async.VM.copy"), task(label)], meant)
    assert (raised.value.option, raised.value.value) == ("name_regex", pattern)
    assert f"write '{escaped}' to match" in raised.value.problem
    assert repr(label) in raised.value.problem
    check_literal([task(label)], selection(escaped))


def test_clean_up_checks_literal_text_against_whole_label():
    check_literal([task(IMPORT)], selection("[XO] Importing content", destroys=True))
    with pytest.raises(OptionError):
        check_literal([task(IMPORT)], selection("[XO] Importing content.*", destroys=True))
    assert is_found_as_text("[XO] Importing content", IMPORT)
    assert not is_found_as_text("[XO] Importing content", "Async.VM.copy")


def test_exclude_checks_whole_label_in_gate_and_part_in_clean_up():
    check_literal([task(EXPORT)], selection("[XO] Exporting", option="exclude"))
    with pytest.raises(OptionError) as raised:
        check_literal([task(EXPORT)], selection("[XO] Exporting.*", option="exclude"))
    assert raised.value.option == "exclude"
    assert "name_label" not in raised.value.problem
    with pytest.raises(OptionError):
        check_literal([task(EXPORT)], selection("[XO] Exporting", option="exclude", destroys=True))


def test_finished_tasks_are_checked_only_if_selection_includes_them():
    ended = [task(EXPORT, "success")]
    check_literal(ended, selection("[XO] Exporting"))
    with pytest.raises(OptionError):
        check_literal(ended, selection("[XO] Exporting", created_after=1.0))


def test_find_literal_reports_each_expression_once():
    tasks = [task(EXPORT, "success"), task(EXPORT), task("SR.scan")]
    (error,) = find_literal(tasks, selection("[XO] Exporting"))
    assert (error.option, error.value) == ("name_regex", "[XO] Exporting")
    assert find_literal(tasks, Selection()) == []
    assert find_literal(tasks, selection(r"\[XO\] Exporting")) == []


def test_long_label_is_not_checked():
    check_literal([task("[XO] " * 1000)], selection("[XO] [XO]"))
    assert not is_found_as_text("[XO]", "[XO] " * 1000)


@pytest.mark.parametrize("destroys", [False, True])
@pytest.mark.parametrize(
    ("text", "label"),
    [
        (r"\[XO\] Exporting content of VDI .*", EXPORT),
        (r"Async\.VM\.copy", "Async.VM.copy"),
        ("Async.(VM|VDI).copy", "Async.VM.copy"),
        ("^Async.VM.copy", "Async.VM.copy"),
        ("Async.VM.copy$", "Async.VM.copy"),
    ],
)
def test_rejects_regex_given_as_exact_label(text, label, destroys):
    with pytest.raises(OptionError) as raised:
        check_literal([task(label)], Selection(name_label=text, is_destructive=destroys))
    assert raised.value.option == "name_label"
    assert "give it in name_regex" in raised.value.problem
    check_literal([task("SR.scan"), task(text)], Selection(name_label=text))


def test_rejects_regex_given_as_exact_description():
    collection = Task("OpaqueRef:a", {"name_description": "Garbage collection for SR 1"})
    with pytest.raises(OptionError) as raised:
        check_literal([collection], Selection(name_description="Garbage collection for SR .*"))
    assert raised.value.option == "name_description"
    assert raised.value.problem.endswith("give the whole description")


@pytest.mark.parametrize("label", [EXPORT, IMPORT, "Async.VM.copy", "a.b", "100 %", "(nightly)"])
def test_exact_label_is_not_taken_for_regex(label):
    check_literal([task(EXPORT), task("Async-VM-copy")], Selection(name_label=label))
    assert not Selection(name_label=label).has_regexes


PIECES = ["Async.", "VM", "VDI", ".copy", "SR", ".scan", " ", "x", "[XO]", "(", ")", "|", "^", "$"]


@pytest.mark.parametrize("destroys", [False, True])
@pytest.mark.parametrize("option", ["name_regex", "exclude"])
@given(
    pattern=st.sampled_from(
        [
            r"Async\.(VM|VDI)\.copy",
            r"^SR\.scan$",
            r"a.b",
            r"VM\.copy|VDI\.copy",
            r"Async\.VM\..+",
            r"\d+ of \d+",
            r"(?i)async\.(?:vm|sr)\.",
            r"SR\.update_snapshot_info_.*",
        ]
    ),
    label=st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(max_size=20),
)
def test_ordinary_regex_is_never_rejected(pattern, label, option, destroys):
    check_literal([task(label)], selection(pattern, option=option, destroys=destroys))


@pytest.mark.parametrize(
    ("pattern", "label"),
    [
        (r"^SR\.scan$", "^SR.scan"),
        (r"^SR\.scan$", "SR.scan$"),
        (r"VM \d+ done", "VM 5+ done"),
        (r"disk [0-9]{2} done", "disk 5{2} done"),
        (r"Async\.(VM|VDI)\.copy", "Async.(VM|VDI).copy"),
        (r"(?i)vm\.(copy)", "(?i)vm.copying"),
    ],
)
def test_clear_regex_is_not_rejected_for_similar_label(pattern, label):
    check_literal([task(label)], selection(pattern))


@given(
    pattern=st.text("abX[]().*+?{}|^$\\d0 ", min_size=1, max_size=12),
    label=st.text("abXd0 .-_/", max_size=20),
)
def test_regex_absent_from_plain_label_is_not_rejected(pattern, label):
    try:
        meant = selection(pattern)
    except re.error:
        return
    if pattern not in label:
        check_literal([task(label)], meant)


@given(text=st.text("abXO[]().*+?{}|^$\\d0 ", min_size=1, max_size=12))
def test_label_equal_to_pattern_is_either_matched_or_rejected(text):
    try:
        meant = selection(text)
    except re.error:
        return
    if meant.name_regex.search(text) is None:
        with pytest.raises(OptionError):
            check_literal([task(text)], meant)
