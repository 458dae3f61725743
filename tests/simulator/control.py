# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control endpoint: a playbook controls the simulator with POST requests to /simulator/VERB.

A POST carries a JSON object of arguments; the answer is JSON too. It asks for no password,
and is there only for those who opened it: on loopback, for tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .lifecycle import Life
from .values import ApiError

if TYPE_CHECKING:
    from .http_request import HttpRequest
    from .server import Simulator


class ControlEndpoint:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._verbs: dict[str, Callable[..., Any]] = {
            "add_task": self._add_task,
            "add_garbage_collection": simulator.add_garbage_collection,
            "set_task": simulator.set_task,
            "destroy_task": simulator.destroy_task,
            "record": simulator.record,
            "find": simulator.find,
            "life": self._life,
            "fail": simulator.fail,
            "heal": simulator.heal,
            "collect": simulator.collect,
            "advance": simulator.advance,
            "sessions": lambda: len(simulator.sessions()),
            "logout_all": simulator.logout_all,
            "calls": self._calls,
            "restart_master": simulator.restart_master,
            "restart_supporter": simulator.restart_supporter,
            "promote": simulator.promote,
            "set_clock": simulator.set_clock,
            "restart_life": simulator.restarts.configure,
            "add_plugin": simulator.add_plugin,
            "stop": lambda: None,
            "write": simulator.database.write,
            "boot": simulator.boot,
            "take_down": simulator.take_down,
            "bring_up": simulator.bring_up,
        }

    def answer(self, request: HttpRequest) -> tuple[bytes, Callable[[], None]]:
        """Return the JSON answer to a request, and a function to call after it."""
        name = request.path.removeprefix("/simulator/")
        return self._answer(name, request), self._simulator.end if name == "stop" else _nothing

    def _answer(self, name: str, request: HttpRequest) -> bytes:
        """{"result": …} or {"error": …}."""
        verb = self._verbs.get(name)
        if verb is None:
            return _encode({"error": f"no such verb; there are {', '.join(sorted(self._verbs))}"})
        try:
            return _encode({"result": verb(**json.loads(request.body or b"{}"))})
        except (ApiError, TypeError, ValueError) as error:
            return _encode({"error": str(error)})

    def _add_task(
        self, label: str, life: dict[str, Any] | None = None, **fields: Any
    ) -> dict[str, str]:
        ref = self._simulator.add_task(label, life=Life.from_data(life) if life else None, **fields)
        record = self._simulator.record(ref)
        return {"ref": ref, "uuid": record["uuid"] if record else ""}

    def _life(self, method: str, **life: Any) -> None:
        """Set the life of the work of a message, such as VM.snapshot, from now on."""
        self._simulator.operations.lives[method] = Life.from_data(life)

    def _calls(self, method: str = "") -> list[dict[str, Any]]:
        """Return the calls, without sessions."""
        return [
            {"method": call.method, "params": call.params, "user": call.user, "error": call.error}
            for call in self._simulator.log
            if not method or call.method == method
        ]


def _nothing() -> None:
    """Follow an answer after which the server goes on."""


def _encode(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()
