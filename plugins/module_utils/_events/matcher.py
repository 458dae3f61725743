# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Callable, Sequence, TypeVar

from .._tasks.literal_regexes import find_literal
from .._tasks.model import Task
from .._tasks.regex_timeout import limit_matching
from .._tasks.selection import Selection, SelectionContext, is_selected
from .messages import literal_message

T = TypeVar("T")
Run = Callable[[Callable[[], None]], None]


def run_directly(work: Callable[[], None]) -> None:
    """Run work in the present thread: the default for matching."""
    work()


class Matcher:
    """Matches tasks against a selection, with a limit of the time that regular expressions take.

    Python limits that only in the main thread, so such work is passed to a callable that runs it
    there.
    """

    def __init__(
        self, selection: Selection, *, warn: Callable[[str], None], run: Run = run_directly
    ) -> None:
        self.selection = selection
        self._warn = warn
        self._run = run
        self._warned: set[str] = set()

    def apply(
        self,
        tasks: Sequence[Task],
        context: SelectionContext,
        work: Callable[[Callable[[Task], bool]], list[T]],
    ) -> list[T]:
        """Return the result of work, which gets the function that tells if a task is selected."""
        results: list[T] = []

        def match() -> None:
            with limit_matching(self.selection):
                self._warn_of_literals(tasks)
                results.extend(work(lambda task: is_selected(task, self.selection, context)))

        if self.selection.has_regexes:
            self._run(match)
        else:
            match()
        return results

    def _warn_of_literals(self, tasks: Sequence[Task]) -> None:
        """Warn once of each regular expression that is written like the text of a label.

        A wait would fail then. Here that would let anyone who can name a task end the source.
        """
        for error in find_literal(tasks, self.selection):
            text = literal_message(error.option, error.value, error.problem)
            if error.value not in self._warned:
                self._warned.add(error.value)
                self._warn(text)
