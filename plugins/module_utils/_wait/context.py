# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Mapping, Sequence

from .._client.session import Session
from .._tasks.clocks import read_time
from .._tasks.query import resolve_context
from .._tasks.selection import Selection, SelectionContext


class CachedContext:
    """The surroundings of a selection for as long as a gate needs them, with the master's clock.

    They are read once, the clocks again after each login, since another host may be the master
    then. The master's clock goes on by one of ours from what it was.
    """

    def __init__(
        self,
        session: Session,
        selection: Selection,
        *,
        ages: Sequence[str] = (),
        clock: Callable[[], float],
    ) -> None:
        """The options in ages need the ages of tasks, besides those of the selection."""
        self._session = session
        self._selection = selection
        self._ages = (*selection.ages, *ages)
        self._clock = clock
        self._login = 0
        self._then: SelectionContext | None = None
        self._read_at = 0.0

    def read(self) -> None:
        """Look around, unless that was done; without the time, ages would match nothing."""
        if self._then is None:
            self._replace(
                resolve_context(self._session, self._selection, ages=self._ages, clock=self._clock)
            )
        elif self._login != self._session.generation:
            now, clocks = read_time(self._session, self._ages, clock=self._clock)
            self._replace(replace(self._then, now=now, clocks=clocks))

    def _replace(self, context: SelectionContext) -> None:
        if context.now is None:
            raise self._session.invalid_response("host.get_servertime")
        self._then, self._read_at = context, self._clock()
        self._login = self._session.generation

    def learn(self, operations: Mapping[str, str] | None) -> None:
        """Take in what is being done with the object by now, by the reference of the task."""
        self._then = replace(self._known, object_tasks=frozenset(operations or ()))

    @property
    def context(self) -> SelectionContext:
        """The surroundings as of now."""
        return replace(self._known, now=self.server_time)

    @property
    def server_time(self) -> int | None:
        """The master's clock; None before the surroundings were read."""
        then = self._known.now
        return None if then is None else then + int(self._clock() - self._read_at)

    @property
    def _known(self) -> SelectionContext:
        return self._then or SelectionContext(now=None)
