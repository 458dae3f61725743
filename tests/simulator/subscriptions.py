# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The subscription of an event call: classes, single objects, or everything (xapi_event.ml)."""

from __future__ import annotations

from collections.abc import Iterable

from .values import lower


class Subscriptions:
    """Class names in any case; a reference is compared exactly. A missing class
    or object matches no event."""

    def __init__(self, wanted: Iterable[str]) -> None:
        self.everything = False
        self._classes: set[str] = set()
        self._objects: set[tuple[str, str]] = set()
        for item in wanted:
            name, slash, ref = item.partition("/")
            if item == "*":
                self.everything = True
            elif slash:
                self._objects.add((lower(name), ref))
            else:
                self._classes.add(lower(name))

    def add(self, other: Subscriptions) -> None:
        self.everything |= other.everything
        self._classes |= other._classes
        self._objects |= other._objects

    def remove(self, other: Subscriptions) -> None:
        self.everything &= not other.everything
        self._classes -= other._classes
        self._objects -= other._objects

    def only_tasks(self) -> bool:
        named = self._classes | {name for name, _unused in self._objects}
        return not self.everything and named <= {"task"}

    def covers_class(self, name: str) -> bool:
        """Whether any object of a class could match."""
        name = name.lower()
        if self.everything or name in self._classes:
            return True
        return any(wanted == name for wanted, _unused in self._objects)

    def matches(self, name: str, ref: str) -> bool:
        name = name.lower()
        return self.everything or name in self._classes or (name, ref) in self._objects
