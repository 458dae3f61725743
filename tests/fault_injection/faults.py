# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults between a client and a pool in virtual time: each kind by its name."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from ansible_collections.xen.xapi.plugins.module_utils._client.transport import Answer
from ansible_collections.xen.xapi.tests.support.virtual.pool import VirtualPool
from ansible_collections.xen.xapi.tests.support.virtual.transport import VirtualWire

METHODS = ("*", "event.from", "task.*", "session.*", "pool.*", "host.*", "Async.*")
JUMPS = (-86400 * 3650, -7200, -61, 61, 7200, 86400 * 3650)
_ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**400,
    1.5,
    "",
    "\x1b[2J",
    [],
    [None],
    {},
    {"": 0},
)


class Campaign(NamedTuple):
    """The parts that a fault can reach."""

    pool: VirtualPool
    wire: MangledWire
    chance: random.Random


class Mangle(NamedTuple):
    """Some of the answers to come, and their fate."""

    method: str
    count: int
    change: Callable[[Answer], Answer]


class MangledWire(VirtualWire):
    """Changes some answers of the pool, and notes the answers that arrived."""

    def __init__(self, pool: VirtualPool) -> None:
        super().__init__(pool)
        self.mangles: list[Mangle] = []
        self._is_mangled = False
        self.clock_jump = 0.0
        """Seconds by which the client's clock was set forward meanwhile."""
        self.used_sessions: set[str] = set()
        """Those that the client knows, for it has named them in a call."""
        self.ended_sessions: set[str] = set()
        """The sessions that the client tried to end; on the way there something may go wrong."""

    def client_now(self) -> float:
        return self._pool.now() + self.clock_jump

    @property
    def deadline(self) -> float | None:
        return None if self._deadline is None else self._deadline - self.clock_jump

    @deadline.setter
    def deadline(self, moment: float | None) -> None:
        self._deadline = moment

    def post(self, *args: Any, **options: Any) -> Answer:
        call = json.loads(args[2])
        session = call["params"][0]
        if call["method"] != "session.login_with_password":
            self.used_sessions.add(session)
        if call["method"] == "session.logout":
            self.ended_sessions.add(session)
        return super().post(*args, **options)

    def _answer(self, member: Any, body: bytes) -> Answer:
        answer = super()._answer(member, body)
        method = self.asked_at[-1][1]
        self._is_mangled = False
        for place, mangle in enumerate(self.mangles):
            if mangle.method in ("*", method) or (
                mangle.method.endswith("*") and method.startswith(mangle.method[:-1])
            ):
                left = mangle.count - 1
                self.mangles[place : place + 1] = [mangle._replace(count=left)] if left else []
                self.troubled_at.append(self._pool.now())
                self._is_mangled = True
                return mangle.change(answer)
        return answer

    def _deliver(self, answer: Answer, *, method: str) -> None:
        """Do not note a changed answer, since the client may have refused it."""
        if not self._is_mangled:
            super()._deliver(answer, method=method)


def _page(status: int) -> Callable[[Answer], Answer]:
    return lambda _answer: Answer(status, "text/html", b"<html><h1>Oops</h1></html>")


def _text(change: Callable[[bytes], bytes]) -> Callable[[Answer], Answer]:
    return lambda answer: answer._replace(body=change(answer.body))


def _envelope(change: Callable[[dict[str, Any]], None]) -> Callable[[Answer], Answer]:
    def mangle(answer: Answer) -> Answer:
        if answer.status != 200:
            return answer
        envelope = json.loads(answer.body)
        change(envelope)
        return answer._replace(body=json.dumps(envelope).encode())

    return mangle


def _irregular(envelope: dict[str, Any]) -> None:
    envelope.pop("result", None)
    envelope.update(id=0, error=["HOST_STILL_BOOTING"])


def _wrong_id(envelope: dict[str, Any]) -> None:
    envelope["id"] = 999999


def _future_token(envelope: dict[str, Any]) -> None:
    if isinstance(envelope.get("result"), dict) and "token" in envelope["result"]:
        envelope["result"]["token"] = "09223372036854775807,09223372036854775807"


def _records_in(envelope: dict[str, Any]) -> list[dict[str, Any]]:
    """The records of an answer, wherever they are."""
    result = envelope.get("result")
    if not isinstance(result, dict):
        return []
    if "events" in result:
        return [event["snapshot"] for event in result["events"] if "snapshot" in event] + result[
            "events"
        ]
    if "uuid" in result:
        return [result]
    return [value for value in result.values() if isinstance(value, dict)]


def _in_a_record(
    chance: random.Random, change: Callable[[dict[str, Any]], None]
) -> Callable[[Answer], Answer]:
    def choose(envelope: dict[str, Any]) -> None:
        records = _records_in(envelope)
        if records:
            change(chance.choice(records))

    return _envelope(choose)


def _mangle(
    make: Callable[[random.Random], Callable[[Answer], Answer]],
) -> Callable[[Campaign], None]:
    def happen(campaign: Campaign) -> None:
        chance = campaign.chance
        mangle = Mangle(chance.choice(METHODS), chance.choice((1, 2, 5)), make(chance))
        campaign.wire.mangles.append(mangle)

    return happen


def _missing_field(chance: random.Random) -> Callable[[Answer], Answer]:
    return _in_a_record(chance, lambda record: record.pop(chance.choice(sorted(record)), None))


def _unknown_field(chance: random.Random) -> Callable[[Answer], Answer]:
    return _in_a_record(chance, lambda record: record.update(weather=[{"sun": 1e308}]))


def _unknown_status(chance: random.Random) -> Callable[[Answer], Answer]:
    return _in_a_record(
        chance, lambda record: record.update(status=chance.choice(["resting", "Success", ""]))
    )


def _wrong_type(chance: random.Random) -> Callable[[Answer], Answer]:
    def change(record: dict[str, Any]) -> None:
        name = chance.choice(sorted(record))
        others = [value for value in _ODD_VALUES if type(value) is not type(record[name])]
        record[name] = chance.choice(others)

    return _in_a_record(chance, change)


def _huge_number(chance: random.Random) -> Callable[[Answer], Answer]:
    number = chance.choice(["1" + "0" * 5000, "-1e999", "1e-999", "9" * 400])
    return _in_a_record_text(chance, number)


def _not_a_number(chance: random.Random) -> Callable[[Answer], Answer]:
    return _in_a_record_text(chance, chance.choice(["NaN", "Infinity", "-Infinity"]))


def _in_a_record_text(chance: random.Random, number: str) -> Callable[[Answer], Answer]:
    """A number that json would not write, in the place of progress or of something else."""

    def change(record: dict[str, Any]) -> None:
        name = "progress" if "progress" in record else chance.choice(sorted(record))
        record[name] = "@@"

    put = _in_a_record(chance, change)
    return lambda answer: _text(lambda body: body.replace(b'"@@"', number.encode()))(put(answer))


def _duplicate_key(chance: random.Random) -> Callable[[Answer], Answer]:
    first = chance.choice([b'"result": null, "error": null', b'"status": 5, "status"'])
    if first.endswith(b'"status"'):
        return _text(lambda body: body.replace(b'"status"', first))
    return _text(lambda body: body.replace(b"{", b"{" + first + b", ", 1))


def _deep(_chance: random.Random) -> Callable[[Answer], Answer]:
    return _text(lambda _body: b'{"result": ' + b"[" * 200_000 + b"]" * 200_000 + b"}")


def _at_once(method: str) -> Callable[[Campaign], None]:
    return lambda campaign: getattr(campaign.pool, method)()


def _cut(how: str) -> Callable[[Campaign], None]:
    def happen(campaign: Campaign) -> None:
        chance = campaign.chance
        campaign.pool.fail(chance.choice(METHODS), cut=how, count=chance.choice((1, 2, 5)))

    return happen


def _refuse(campaign: Campaign) -> None:
    campaign.pool.take_down_for(campaign.chance.choice((0.3, 2.0, 15.0, 61.0)))


def _boot(campaign: Campaign) -> None:
    campaign.pool.boot_for(campaign.chance.choice((0.3, 2.0, 15.0, 61.0)))


def _half_open(campaign: Campaign) -> None:
    campaign.wire.hangs = campaign.chance.choice((1, 2))


def _slow(campaign: Campaign) -> None:
    # Not the login: the pool has looked who is master by then, and would let it in on another.
    method = campaign.chance.choice(["event.from", "task.*", "pool.*", "host.*"])
    campaign.pool.fail(method, delay=3.0, count=4)


def _restart(campaign: Campaign) -> None:
    campaign.pool.restart_master(generations_lost=campaign.chance.choice((0, 3)))


def _restart_supporter(campaign: Campaign) -> None:
    """XAPI restarts on the supporter, with a start-up of any length, and of some rounds."""
    startup, chance = campaign.chance.choice((0.0, 1.0, 30.0, 45.0, 600.0)), campaign.chance
    campaign.pool.restart_supporter(
        startup=startup, failed_rounds=chance.choice((0, 0, 2)), enables=chance.random() < 0.8
    )


def _disable_supporter(campaign: Campaign) -> None:
    campaign.pool.inventory.set_enabled(campaign.pool.supporter.ref, False)


def _fail_events(campaign: Campaign) -> None:
    """Everything gets through but event.from."""
    fault: dict[str, Any] = campaign.chance.choice(
        [
            {"http": (403, "<html>Forbidden</html>")},
            {"http": (408, "<html>Request Timeout</html>")},
            {"cut": "before"},
            {"delay": 12.0},
            {"delay": 500.0},
        ]
    )
    campaign.pool.fail("event.from", count=None, **fault)


def _page_after_login(campaign: Campaign) -> None:
    """A gateway passes a login on and gives up before its answer comes."""
    count = campaign.chance.choice((1, 2, 10**6))
    page = _page(campaign.chance.choice((502, 504)))
    campaign.wire.mangles.append(Mangle("session.login_with_password", count, page))


def _step_clock(of_the_master: bool) -> Callable[[Campaign], None]:
    """A host is set to another time; tasks that exist keep their date."""

    def happen(campaign: Campaign) -> None:
        pool, seconds = campaign.pool, campaign.chance.choice(JUMPS)
        pool.inventory.set_clock(pool.master_ref if of_the_master else pool.supporter.ref, seconds)

    return happen


def _client_jump(campaign: Campaign) -> None:
    campaign.wire.clock_jump += campaign.chance.choice((0.5, 20.0, 3600.0))


FAULTS: dict[str, Callable[[Campaign], None]] = {
    "connection refused": _refuse,
    "cut before the call": _cut("before"),
    "cut before the answer": _cut("after"),
    "cut in the answer": _cut("half"),
    "no answer": _half_open,
    "slow answers": _slow,
    "HTML 500": _mangle(lambda _chance: _page(500)),
    "HTML 502": _mangle(lambda _chance: _page(502)),
    "HTML 503": _mangle(lambda _chance: _page(503)),
    "redirect": _mangle(lambda _chance: _page(302)),
    "HTML 200": _mangle(lambda _chance: _page(200)),
    "wrong id": _mangle(lambda _chance: _envelope(_wrong_id)),
    "error as array with id 0": _mangle(lambda _chance: _envelope(_irregular)),
    "invalid UTF-8": _mangle(lambda _chance: _text(lambda body: body[:-2] + b"\xff\xfe}")),
    "half of the JSON": _mangle(lambda _chance: _text(lambda body: body[: len(body) // 2])),
    "empty body": _mangle(lambda _chance: _text(lambda _body: b"")),
    "deep nesting": _mangle(_deep),
    "huge number": _mangle(_huge_number),
    "not a number": _mangle(_not_a_number),
    "missing field": _mangle(_missing_field),
    "unknown field": _mangle(_unknown_field),
    "unknown status": _mangle(_unknown_status),
    "wrong type": _mangle(_wrong_type),
    "duplicate key": _mangle(_duplicate_key),
    "token from the future": _mangle(lambda _chance: _envelope(_future_token)),
    "master switch": _at_once("promote_other"),
    "master restart": _restart,
    "supporter restart": _restart_supporter,
    "supporter disabled": _disable_supporter,
    "events alone fail": _fail_events,
    "HTML after a login": _page_after_login,
    "master boots": _boot,
    "sessions lost": _at_once("logout_all"),
    "garbage collection": _at_once("collect"),
    "server clock jumps": _step_clock(True),
    "member clock jumps": _step_clock(False),
    "client clock jumps": _client_jump,
}
