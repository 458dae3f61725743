# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Async forms of messages that are done at once, such as task.cancel."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator

from .messages import INTERNAL, Context, Message
from .tasks import Tasks, unfinished
from .values import ApiError, Value

WITHOUT_TASKS = ("task.", "event.")
"""Classes whose calls make no task (datamodel.ml, no_task_id_for), other than InternalAsync."""


class Background:
    """Runs the work of a call in the background: the call returns a task at once."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks

    def complete(self, messages: Iterable[Message]) -> Iterator[Message]:
        """The messages, with their Async form where they have one."""
        for message in messages:
            start = functools.partial(self._start, message)
            yield message._replace(start=start) if message.has_async else message

    def _start(self, message: Message, context: Context, *params: Value) -> str:
        """Run the work. An error fails the task, also if the role is too low; without a task it is
        lost."""
        makes_none = message.name.startswith(WITHOUT_TASKS)
        if makes_none and not context.label.startswith(INTERNAL):
            task = context.task
        else:
            task = self._tasks.begin(context)
        try:
            message.require(context, params)
            result = message.handler(dataclasses.replace(context, task=task), *params)
            writes = self._tasks.success_writes(result)
        except ApiError as error:
            writes = self._tasks.failure_writes(error.description)
        self._tasks.end(task, unfinished(writes) if context.forwarded else writes)
        return task
