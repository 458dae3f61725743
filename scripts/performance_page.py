# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the figures of docs/performance.md: its tables, its pictures and docs/benchmarks.json.

python -m scripts.performance_page takes them from the report of the last `make bench`. With
--short, it also accepts a report of `make bench-short`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from scripts import bar_charts

DATA = bar_charts.DOCS / "benchmarks.json"
PAGE = bar_charts.DOCS / "performance.md"
REPORT = bar_charts.DOCS.parent / ".cache" / "reports" / "benchmarks.json"
BARE, OURS, JSON = "bare loop", "xen.xapi", "json.loads alone"
EVENTS, POLLING = "XenAPI events", "XenAPI every 2 s"
WAIT = "From the end of a task to the return of a wait"
QUEUE = "From the end of a task to its event in the queue"
STORM = "From an end to its update, 10 changes a second and task"
EVENT_STORM = "From an end to its event, 10 changes a second and task"
LIST_CPU, LIST_WALL = "Listing, CPU", "Listing, wall time"
RUN, PING_AND_REQUESTS = "CPU of a module run", "ping and importing requests"
PING, INFO = "ansible.builtin.ping", "xen.xapi.task_info"

Cells = list[str]


class Figures:
    """The report of a benchmark run; every value is found by figure, subject and size."""

    def __init__(self, report: dict[str, Any]) -> None:
        self.machine: dict[str, str] = report["machine"]
        self._rows = {(row["figure"], row["subject"], row["size"]): row for row in report["rows"]}

    def sizes(self, figure: str) -> list[int]:
        return sorted({size for name, _subject, size in self._rows if name == figure})

    def subjects(self, figure: str) -> list[str]:
        return [subject for name, subject, _size in self._rows if name == figure]

    def value(self, figure: str, subject: str, size: int, field: str = "median") -> float:
        return float(self._rows[figure, subject, size][field])

    def ratio(self, figure: str, size: int, *, to: str, field: str = "median") -> str:
        ours = self.value(figure, OURS, size, field)
        return f"{ours / self.value(figure, to, size, field):.2g}"


class Table(NamedTuple):
    """A table of the page, which the sentence before it introduces."""

    sentence: str
    headings: Cells
    rows: Callable[[Figures], Iterable[Cells]]


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def by_size(figure: str, subjects: Sequence[str], field: str = "median") -> Any:
    """Return the function for a row for each size, with a column for each subject."""

    def rows(figures: Figures) -> Iterable[Cells]:
        for size in figures.sizes(figure):
            values = [number(figures.value(figure, one, size, field)) for one in subjects]
            yield [f"{size:,}", *values]

    return rows


def by_measure(measures: Sequence[tuple[str, str, str]], subjects: Sequence[str], size: int) -> Any:
    """Return the function for a row for each measure: its name, its figure and the field of it."""

    def rows(figures: Figures) -> Iterable[Cells]:
        for name, figure, field in measures:
            yield [name, *[number(figures.value(figure, one, size, field)) for one in subjects]]

    return rows


def by_subject(figure: str, fields: Sequence[str]) -> Any:
    """Return the function for a row for each subject, with a column for each field."""

    def rows(figures: Figures) -> Iterable[Cells]:
        for subject in figures.subjects(figure):
            yield [subject, *[number(figures.value(figure, subject, 1, one)) for one in fields]]

    return rows


def storm(figure: str) -> list[tuple[str, str, str]]:
    return [
        ("end seen after, median (ms)", figure, "median"),
        ("end seen after, 95th percentile (ms)", figure, "p95"),
        ("requests", figure, "requests"),
        ("CPU (% of a core)", f"{figure}: CPU", "median"),
        ("memory (MiB)", figure, "peak"),
    ]


def cancelling(figures: Figures) -> Iterable[Cells]:
    for size in figures.sizes("Cancelling"):
        cells = []
        for subject in (BARE, OURS, POLLING):
            wall, cpu, requests = (
                figures.value("Cancelling", subject, size, field)
                for field in ("median", "cpu", "requests")
            )
            cells.append(f"{number(wall)} ms, CPU {number(cpu * 1000)} ms, {requests:,.0f}")
        yield [f"{size:,}", *cells]


def summary(figures: Figures) -> Iterable[Cells]:
    """Yield the aims of the design with what was measured."""

    def row(words: str, figure: str, size: int, to: str, aim: str, field: str = "median") -> Cells:
        scale = 1000 if field == "cpu" else 1
        values = (figures.value(figure, one, size, field) * scale for one in (OURS, to))
        ours, theirs = map(number, values)
        ratio = figures.ratio(figure, size, to=to, field=field)
        return [words, ours, f"{theirs} ({to})", ratio, aim]

    yield row("end of one of 1,000 tasks to the return (ms)", WAIT, 1000, BARE, "1.5, and 1 ms")
    idle = number(figures.value("Requests of an idle wait", OURS, 1000))
    yield ["requests a minute, 1,000 idle tasks", idle, "", "", "5 requests"]
    yield row("listing 10,000 tasks, CPU (ms)", LIST_CPU, 10000, JSON, "3")
    yield row("listing 10,000 tasks, CPU (ms)", LIST_CPU, 10000, EVENTS, "0.25")
    yield row("1,000 cancels, CPU (ms)", "Cancelling", 1000, BARE, "3", field="cpu")
    requests = number(figures.value("Cancelling", OURS, 1000, "requests"))
    yield ["1,000 cancels, requests", requests, "", "", "1,020 requests"]
    base = figures.value(RUN, PING_AND_REQUESTS, 1)
    words = f"{number(base)} ({PING_AND_REQUESTS})"
    for module in ("task_info", "task_wait", "task_cancel", "call"):
        ours = figures.value(RUN, f"xen.xapi.{module}", 1)
        yield [f"a run of {module}, CPU (ms)", number(ours), words, f"{ours / base:.3g}", "1.25"]


def machine(figures: Figures) -> Iterable[Cells]:
    yield list(figures.machine.values())


def growth(figures: Figures) -> Iterable[Cells]:
    figure = "Exponent of growth"
    for subject in figures.subjects(figure):
        # Without the minus sign of a value that is rounded to zero.
        yield [subject, f"{figures.value(figure, subject, 0) + 0.0:.2f}"]


ALL = (BARE, OURS, EVENTS, POLLING)
LISTS = (JSON, BARE, OURS, EVENTS)
PROGRESS = ("without lines", "with lines")
PLAY = "CPU of a play that waits"
PROGRESS_MEASURES = (
    ("CPU of all processes of the play (s)", PLAY, "median"),
    ("requests", PLAY, "requests"),
)
FLEET = "A play over pools, 20 forks"
TABLES = (
    Table(
        "The aims of the design, and the measured figures:",
        ["", "xen.xapi", "compared with", "ratio", "at most"],
        summary,
    ),
    Table(
        "The machine is a virtual one:",
        ["cores", "architecture", "Python", "requests", "ansible-core", "date"],
        machine,
    ),
    Table(
        "From the end of a task to the return of the wait, in ms (median):",
        ["tasks", *ALL],
        by_size(WAIT, ALL),
    ),
    Table("The same, 95th percentile:", ["tasks", *ALL], by_size(WAIT, ALL, "p95")),
    Table(
        "Requests a minute of an idle wait:",
        ["tasks", OURS, POLLING],
        by_size("Requests of an idle wait", (OURS, POLLING)),
    ),
    Table(
        "A thousand tasks that change ten times a second, for a minute:",
        ["", BARE, OURS],
        by_measure(storm(STORM), (BARE, OURS), 1000),
    ),
    Table("CPU in ms:", ["tasks", JSON, BARE, OURS, "XenAPI"], by_size(LIST_CPU, LISTS)),
    Table("Wall time in ms:", ["tasks", BARE, OURS, "XenAPI"], by_size(LIST_WALL, LISTS[1:])),
    Table(
        "The time that a task of a play takes, in ms:",
        ["", "median", "95th percentile"],
        by_subject("One task of a play", ("median", "p95")),
    ),
    Table(
        "CPU time of the process that runs a module, in ms:",
        ["", "median", "ratio to ping and importing requests"],
        by_subject(RUN, ("median", "ratio")),
    ),
    Table(
        "CPU time and requests of these plays:",
        ["", *PROGRESS],
        by_measure(PROGRESS_MEASURES, PROGRESS, 1),
    ),
    Table(
        "From the end of a task to its event in the queue, in ms (median):",
        ["tasks", BARE, OURS],
        by_size(QUEUE, (BARE, OURS)),
    ),
    Table("95th percentile:", ["tasks", BARE, OURS], by_size(QUEUE, (BARE, OURS), "p95")),
    Table(
        "For a minute in which 1,000 tasks change ten times a second:",
        ["", BARE, OURS],
        by_measure(storm(EVENT_STORM), (BARE, OURS), 1000),
    ),
    Table("Time, CPU time and number of requests:", ["tasks", BARE, OURS, POLLING], cancelling),
    Table("A play with 20 forks, in seconds:", ["pools", PING, INFO], by_size(FLEET, (PING, INFO))),
    Table("The exponent k by figure:", ["", "k"], growth),
)


def write_tables(text: str, figures: Figures) -> str:
    """Return the page with the figures in all of its tables and descriptions of pictures."""
    for table in TABLES:
        before, after = text.split(f"\n{table.sentence}\n\n")
        rows = [table.headings, ["---"] * len(table.headings), *table.rows(figures)]
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        rest = after[len(re.match(r"(?:\|.*\n)*", after)[0]) :]  # type: ignore[index]
        text = f"{before}\n{table.sentence}\n\n" + "\n".join(lines) + f"\n{rest}"
    for chart in bar_charts.CHARTS:
        values = bar_charts.last_row(text, chart.sentence)
        named = ", ".join(f"{name} {value:,g}" for name, value in values.items())
        pattern = rf"!\[([^:\]]*): [^\]]*\]\(images/{chart.name}\.svg\)"
        text, count = re.subn(pattern, rf"![\1: {named}](images/{chart.name}.svg)", text)
        if count != 1:
            raise ValueError(f"{PAGE.name} has {count} pictures {chart.name}")
    return text


def main() -> int:
    report = json.loads(REPORT.read_text(encoding="utf-8"))
    if report["is_short"] and "--short" not in sys.argv:
        print("This is a short report; run `make bench`.", file=sys.stderr)
        return 1
    if report["is_short"]:
        report["machine"]["date"] += " (a short run, so of little precision)"
    lines = ",\n".join(json.dumps(row) for row in report["rows"])
    head = json.dumps(report["machine"])
    DATA.write_text(f'{{"machine": {head}, "rows": [\n{lines}\n]}}\n', encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(write_tables(text, Figures(report)), encoding="utf-8")
    bar_charts.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
