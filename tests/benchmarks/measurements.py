# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The measurements: each function makes the rows of one figure, all subjects in one run."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ansible_collections.xen.xapi.tests.benchmarks import implementations, pools
from ansible_collections.xen.xapi.tests.benchmarks.report import Row, against, exponent, quantile
from ansible_collections.xen.xapi.tests.benchmarks.worker import Worker, measured

OURS, BARE = "xen.xapi", "bare loop"
SDK, POLLING = "XenAPI events", "XenAPI every 2 s"
JSON = "json.loads alone"
SETTLED_AFTER = 5.0


class Sizes(NamedTuple):
    """How much is measured: the short form shows the same with less certainty."""

    repeats: int
    slow_repeats: int
    idle_seconds: float
    storm_seconds: float
    pools: tuple[int, ...]
    tasks_of_a_play: int


SHORT = Sizes(9, 2, 31.0, 5.0, (1, 8), 4)
LONG = Sizes(40, 7, 90.0, 60.0, (1, 20, 100), 10)


def detection(server: Worker, sizes: Sizes) -> list[Row]:
    """From the write of a status in the server to the return of the wait for any of some tasks."""
    rows = []
    waits: list[tuple[str, Callable[..., Any], Callable[..., Any], int]] = [
        (BARE, implementations.bare_wait, pools.end_one_where_it_blocks, sizes.repeats),
        (OURS, implementations.our_wait, pools.end_one_where_it_blocks, sizes.repeats),
        (SDK, implementations.sdk_wait, pools.end_one_where_it_blocks, sizes.repeats),
        (POLLING, implementations.polling_wait, pools.end_one_between_polls, sizes.slow_repeats),
    ]
    for size in (1, 100, 1000):
        (url,) = server.call(pools.start)
        refs = server.call(pools.add_tasks, size)
        for name, wait, end, repeats in waits:
            rows.append(_detection(server, url, refs, name, wait, end, repeats))
    return against(BARE, rows)


def events(server: Worker, sizes: Sizes) -> list[Row]:
    """From the write of a status in the server to the event in the queue of the event source."""
    figure, rows = "From the end of a task to its event in the queue", []
    for size in (1, 100, 1000):
        (url,) = server.call(pools.start)
        refs = server.call(pools.add_tasks, size)
        for name, wait in ((BARE, implementations.bare_wait), (OURS, implementations.source_wait)):
            end, repeats = pools.end_one_where_it_blocks, sizes.repeats
            rows.append(_detection(server, url, refs, name, wait, end, repeats, figure=figure))
    figure = "From an end to its event, 10 changes a second and task"
    watches = ((BARE, implementations.bare_changes), (OURS, implementations.source_changes))
    return [*against(BARE, rows), *_storm(server, sizes, watches, figure=figure)]


def _detection(
    server: Worker,
    url: str,
    refs: list[str],
    name: str,
    wait: Callable[..., Any],
    end: Callable[..., Any],
    repeats: int,
    *,
    figure: str = "From the end of a task to the return of a wait",
) -> Row:
    row = Row(figure, name, len(refs), "ms", [])
    found, requests = [], []
    with Worker() as client:
        client.call(time.monotonic)
        for number in range(repeats):
            ref = refs[number % len(refs)]
            before = server.call(pools.calls)
            client.start(measured, wait, url, refs)
            moment = server.call(end, ref)
            found.append(client.result())
            row.values.append((found[-1]["at"] - moment) * 1000)
            requests.append(server.call(pools.calls) - before)
            server.call(pools.revive, ref)
    _costs(row, found, requests)
    return row


def idle(server: Worker, sizes: Sizes) -> list[Row]:
    """Count the requests of waits for idle tasks; all side by side, a pool for each."""
    waits = [
        (name, wait, size)
        for name, wait in (
            (OURS, implementations.our_wait),
            (POLLING, implementations.polling_wait),
        )
        for size in (1, 100, 1000)
    ]
    urls = server.call(pools.start, len(waits))
    with contextlib.ExitStack() as clients:
        for place, (_name, wait, size) in enumerate(waits):
            refs = server.call(pools.add_tasks, size, place)
            clients.enter_context(Worker()).start(wait, urls[place], refs)
        time.sleep(SETTLED_AFTER)
        before = [server.call(pools.calls, place) for place in range(len(waits))]
        time.sleep(sizes.idle_seconds)
        after = [server.call(pools.calls, place) for place in range(len(waits))]
    return [
        Row(
            "Requests of an idle wait",
            name,
            size,
            "a minute",
            [(after[place] - before[place]) * 60 / sizes.idle_seconds],
        )
        for place, (name, _wait, size) in enumerate(waits)
    ]


def storm(server: Worker, sizes: Sizes) -> list[Row]:
    """A thousand tasks of which each changes ten times a second; a part of them ends meanwhile."""
    watches = ((BARE, implementations.bare_changes), (OURS, implementations.our_changes))
    figure = "From an end to its update, 10 changes a second and task"
    return _storm(server, sizes, watches, figure=figure)


def _storm(
    server: Worker,
    sizes: Sizes,
    watches: Sequence[tuple[str, Callable[..., Any]]],
    *,
    figure: str,
) -> list[Row]:
    rows = []
    for name, watch in watches:
        (url,) = server.call(pools.start)
        refs = server.call(pools.add_tasks, 1000)
        seconds = sizes.storm_seconds
        with Worker() as client:
            client.call(time.monotonic)
            client.start(measured, watch, url, refs)
            told = server.call(pools.change, refs, seconds, 10.0, 300)
            found = client.result()
        late = [(found["seen"][ref] - moment) * 1000 for ref, moment in told["moments"].items()]
        row = Row(figure, name, 1000, "ms", late)
        _costs(row, [found], [server.call(pools.calls)])
        share = found["cpu"] / found["wall"] * 100
        rows += [row, Row(f"{figure}: CPU", name, 1000, "% of a core", [share])]
        rate = told["writes"] / seconds
        rows.append(Row(f"{figure}: changes of the server", name, 1000, "a second", [rate]))
    return against(BARE, rows)


def listing(server: Worker, sizes: Sizes) -> list[Row]:
    """All tasks of a pool as this collection returns them, against the mere reading of them."""
    rows = []
    lists = [
        (BARE, implementations.bare_list),
        (JSON, implementations.bare_json),
        (OURS, implementations.our_list),
        (SDK, implementations.sdk_list),
    ]
    for size in (200, 2000, 10000):
        (url,) = server.call(pools.start, 1, size)
        found: dict[str, list[dict[str, Any]]] = {name: [] for name, _work in lists}
        with Worker() as plain, Worker() as ours, Worker() as sdk:
            clients = {BARE: plain, JSON: plain, OURS: ours, SDK: sdk}
            for client in (plain, ours, sdk):
                client.call(time.monotonic)
            # In turn, so that other work of the machine affects all of them.
            for _number in range(max(sizes.repeats // 4, 2)):
                for name, work in lists:
                    found[name].append(clients[name].call(measured, work, url))
        for name in found:
            counts = {one["count"] for one in found[name]}
            if counts != {size}:
                raise RuntimeError(f"{name} listed {counts} tasks of {size}")
            walls = [one["wall"] * 1000 for one in found[name]]
            rows.append(Row("Listing, wall time", name, size, "ms", walls))
            _costs(rows[-1], found[name], [])
    rows = against(BARE, rows)
    cpu = [
        Row("Listing, CPU", row.subject, row.size, "ms", [(row.cpu or 0) * 1000]) for row in rows
    ]
    return [*rows, *against(JSON, cpu)]


def cancelling(server: Worker, sizes: Sizes) -> list[Row]:
    """Tasks that end as soon as they are asked to."""
    rows = []
    works = [
        (BARE, implementations.bare_cancel),
        (OURS, implementations.our_cancel),
        (POLLING, implementations.polling_cancel),
    ]
    for size in (1, 100, 1000):
        for name, work in works:
            (url,) = server.call(pools.start)
            found, requests = [], []
            with Worker() as client:
                client.call(time.monotonic)
                for _number in range(sizes.slow_repeats):
                    refs = server.call(pools.add_tasks, size)
                    before = server.call(pools.calls)
                    found.append(client.call(measured, work, url, refs))
                    requests.append(server.call(pools.calls) - before)
                    if found[-1]["count"] != size:
                        raise RuntimeError(f"{name} cancelled {found[-1]['count']} of {size}")
            walls = [one["wall"] * 1000 for one in found]
            rows.append(Row("Cancelling", name, size, "ms", walls))
            _costs(rows[-1], found, requests)
    return against(BARE, rows)


def growth(rows: Sequence[Row]) -> list[Row]:
    """How our figures grow with the number of tasks: 1 is linear, 0 is not at all."""
    found = []
    for figure in dict.fromkeys(row.figure for row in rows):
        points = [
            (float(row.size), row.median)
            for row in rows
            if row.figure == figure and row.subject == OURS and row.median > 0
        ]
        if len(points) > 2:
            found.append(Row("Exponent of growth", figure, 0, "k in n^k", [exponent(points)]))
    return found


def _costs(row: Row, found: list[dict[str, Any]], requests: list[int]) -> None:
    row.cpu = statistics.median(one["cpu"] for one in found)
    row.peak = quantile((one["peak"] for one in found), 1)
    if requests:
        row.requests = statistics.median(requests)
