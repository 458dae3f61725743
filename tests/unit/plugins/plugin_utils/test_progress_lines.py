# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import math

import pytest

from ansible_collections.xen.xapi.plugins.plugin_utils._progress_lines import (
    LinePacer,
    Observed,
    Report,
    ReportDecoder,
)


def report(mark="1", *parts, left=""):
    return Report(parts or ("copy 43 %",), mark, left)


@pytest.fixture
def pacer():
    return LinePacer("xcp1", now=100.0)


def test_no_line_is_due_before_first_report(pacer):
    assert pacer.next_in(1000.0) == math.inf
    assert pacer.next_line(1000.0) == ""
    assert pacer.last_line() == ""


def test_first_line_comes_after_five_seconds(pacer):
    pacer.take(report(), 101.0)
    assert pacer.next_in(101.0) == 4.0
    assert pacer.next_line(104.9) == ""
    assert pacer.next_line(105.0) == "xcp1 | copy 43 %"


def test_first_line_comes_with_first_report_if_that_is_late(pacer):
    pacer.take(report(), 130.0)
    assert pacer.next_line(130.0)


def test_change_is_shown_five_seconds_after_last_line(pacer):
    pacer.take(report(), 101.0)
    assert pacer.next_line(105.0)
    pacer.take(report("2"), 106.0)
    assert pacer.next_in(106.0) == 4.0
    assert pacer.next_line(109.9) == ""
    assert pacer.next_line(110.0)


def test_unchanged_line_is_repeated_within_a_minute(pacer):
    pacer.take(report(), 101.0)
    assert pacer.next_line(105.0)
    pacer.take(report(), 130.0)
    assert pacer.next_line(131.0) == ""
    assert 50 <= pacer.next_in(105.0) < 60
    assert pacer.next_line(160.0)


def test_repeated_line_without_new_report_tells_its_age(pacer):
    pacer.take(report(), 101.0)
    assert pacer.next_line(105.0) == "xcp1 | copy 43 %"
    assert pacer.next_line(161.0) == "xcp1 | copy 43 % (60 s ago)"


def test_report_of_a_request_is_held_back_for_its_answer(pacer):
    pacer.take(Report(("waiting for ", 0.0), "1", "", hold=5.0), 104.0)
    assert pacer.next_line(108.9) == ""
    pacer.take(report("2"), 108.9)
    assert pacer.next_line(108.9) == "xcp1 | copy 43 %"
    pacer.take(Report(("waiting for ", 0.0), "3", "", hold=5.0), 110.0)
    assert pacer.next_in(110.0) == 5.0
    assert pacer.next_line(115.0) == "xcp1 | waiting for 5 s"


def test_durations_go_on_growing(pacer):
    pacer.take(report("1", "quiet for ", 3.0, " of 60 s"), 101.0)
    assert pacer.next_line(110.0) == "xcp1 | quiet for 12 s of 60 s"


def test_observed_duration_grows_only_while_answers_may_come(pacer):
    pacer.take(report("1", "quiet for ", Observed(3.0), " of 5 min"), 101.0)
    assert pacer.next_line(110.0) == "xcp1 | quiet for 12 s of 5 min"
    assert pacer.next_line(165.0) == "xcp1 | quiet for 3 s of 5 min (64 s ago)"


def test_decoder_tells_observed_durations_from_others():
    line = ["a", [3], [4, "observed"]]
    (found,) = ReportDecoder().feed(message(line=line) + b"\n")
    assert found.parts == ("a", 3.0, Observed(4.0))
    assert [type(part) for part in found.parts] == [str, float, Observed]


def test_last_line_names_running_tasks(pacer):
    pacer.take(report(left="'copy' (pending)"), 101.0)
    assert pacer.last_line().startswith("xcp1 | stopped waiting; ")
    assert pacer.last_line().endswith(": 'copy' (pending)")


def test_lines_are_escaped_and_bounded():
    pacer = LinePacer("host\n\x1b[31m" * 1000, now=0.0)
    pacer.take(report("1", "label\r\x1b]0;title\x07" * 10_000, left="\x00" * 10_000), 1.0)
    for line in (pacer.next_line(10.0), pacer.last_line()):
        assert line.isprintable()
        assert len(line) <= 701


def message(**fields):
    return json.dumps({"line": ["a", [3]], "mark": "1", "left": "", **fields}).encode()


def test_decoder_joins_pieces_of_a_report():
    decoder, data = ReportDecoder(), b"\n" + message() + b"\n"
    pieces = [decoder.feed(data[place : place + 1]) for place in range(len(data))]
    assert [one for piece in pieces for one in piece] == [Report(("a", 3.0), "1", "")]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        message(line=[[]]),
        message(line=[["x"]]),
        message(line=[[math.inf]]),
        message(line=[[10**400]]),
        message(line=[None]),
        message(line=7),
        message(hold="soon"),
        b'{"line": []}',
    ],
)
def test_decoder_skips_lines_that_are_no_reports(line):
    decoder = ReportDecoder()
    (found,) = decoder.feed(line + b"\n" + message() + b"\n")
    assert found.mark == "1"


def test_decoder_forgets_an_endless_line():
    decoder = ReportDecoder()
    for _number in range(100):
        decoder.feed(b"x" * 65536)
    assert len(decoder._buffer) <= 65536
    assert len(decoder.feed(b"\n" + message() + b"\n")) == 1
