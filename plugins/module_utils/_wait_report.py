# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any

from ._sentences import explain
from ._session import Session
from ._waiter import Waiter


def of_waiting(waiter: Waiter, session: Session) -> dict[str, Any]:
    """What is returned of any wait, of one that never reached the pool too."""
    return {
        "changed": False,
        "waited": waiter.waited,
        "elapsed": round(waiter.elapsed, 3),
        "timed_out": waiter.timed_out,
        "method": waiter.method,
        "requests": session.requests,
    }


def trouble(waiter: Waiter) -> list[str]:
    """A warning of what was ridden out, if anything was."""
    if waiter.last_trouble is None:
        return []
    times = "once" if waiter.troubles == 1 else f"{waiter.troubles} times"
    message = f"The way to the pool failed {times} while waiting, the last time like this: "
    return [message + explain(waiter.last_trouble)]


def timed_out(waiter: Waiter, what_for: str, *, was_reached: bool) -> str:
    """Why a gate is shut at the deadline."""
    how_long = f"{waiter.timeout:g} s" if waiter.timeout else "one look, since timeout is 0,"
    message, last = f"Timed out after {how_long}", waiter.last_trouble
    if last is not None and not was_reached:
        return f"{message} without an answer to go by. {explain(last)}"
    message += f" {what_for}"
    if last is not None and waiter.is_out_of_touch:
        message += f" This is as last seen, since the pool did not answer. {explain(last)}"
    return message
