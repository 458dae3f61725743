# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Callable, Iterable, Mapping

from .._tasks.selection import Selection
from .._text import show_value
from .._wait.context import CachedContext
from .._wait.watcher import WatchScope
from .messages import object_message


class ObjectScope:
    """Keeps which tasks belong to the selected object, if there is one.

    An object names the tasks that work on it, and stops to do so before they end. So a task that
    was named once belongs to the object from then on.
    """

    def __init__(
        self, selection: Selection, cached_context: CachedContext, *, warn: Callable[[str], None]
    ) -> None:
        self._option = selection.object
        self._cached_context = cached_context
        self._warn = warn
        self._named: set[str] = set()
        self._is_gone = False

    @property
    def watch_scope(self) -> WatchScope:
        """The scope of the watch: all tasks, the hosts, and the object if one is selected."""
        option = self._option
        watched = None if option is None else (option.type, self._cached_context.context.object_ref)
        return WatchScope(None, watched, hosts=True)

    def refresh(self, operations: Mapping[str, str] | None) -> None:
        """Apply the object's operations; None if it does not exist, of which this warns once."""
        if self._option is None:
            return
        if operations is None and not self._is_gone:
            name = show_value(self._option.uuid or self._option.name_label)
            self._warn(object_message(self._option.type, name))
        self._is_gone = operations is None
        self.add(operations)

    def add(self, operations: Mapping[str, str] | None) -> bool:
        """Apply the object's operations; return whether they name a task for the first time."""
        new = set(operations or ()) - self._named
        self._named |= new
        if new:
            self._store()
        return bool(new)

    def keep(self, refs: Iterable[str]) -> None:
        """Forget the tasks that are not among these, which are all that there are."""
        if self._option is not None:
            self._named.intersection_update(refs)
            self._store()

    def _store(self) -> None:
        self._cached_context.update_operations(dict.fromkeys(self._named, ""))
