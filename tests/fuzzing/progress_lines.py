# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports on the progress, with labels of any text and as bytes that are no report at all."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from ansible_collections.xen.xapi.plugins.plugin_utils._progress_lines import (
    LinePacer,
    ReportDecoder,
)
from ansible_collections.xen.xapi.tests.fuzzing.json_values import TEXTS, VALUES
from ansible_collections.xen.xapi.tests.fuzzing.runner import Target

LONGEST = 1000
PARTS = st.one_of(
    TEXTS,
    st.tuples(st.floats()).map(list),
    st.tuples(st.floats(), st.just("observed")).map(list),
    VALUES,
)
REPORTS = st.fixed_dictionaries(
    {
        "line": st.one_of(st.lists(PARTS, max_size=4), VALUES),
        "mark": st.one_of(TEXTS, VALUES),
        "left": st.one_of(TEXTS, VALUES),
    },
    optional={"hold": st.one_of(st.floats(), VALUES)},
)
PIECES = st.one_of(
    REPORTS.map(lambda report: f"\n{json.dumps(report)}\n".encode(errors="replace")),
    st.binary(max_size=60),
    st.sampled_from([b"\n", b"[" * 30000 + b"\n", b'{"line": ["' + b"x" * 70000]),
)


def check_lines(given: tuple[str, list[bytes], list[float]]) -> None:
    """Check that a terminal gets nothing but single lines of a bounded length."""
    host, pieces, pauses = given
    pacer, decoder, now = LinePacer(host, now=0.0), ReportDecoder(), 0.0
    for piece, pause in zip(pieces, pauses, strict=False):
        for report in decoder.feed(piece):
            pacer.take(report, now)
        now += pause
        for line in (pacer.next_line(now), pacer.last_line()):
            assert len(line) < LONGEST
            assert line.isprintable()


INPUTS: st.SearchStrategy[Any] = st.tuples(
    TEXTS, st.lists(PIECES, max_size=5), st.lists(st.floats(0, 1e6), min_size=5, max_size=5)
)
TARGETS = [Target("progress lines", INPUTS, check_lines)]
