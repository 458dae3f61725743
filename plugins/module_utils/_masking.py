# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import os
from typing import Any, Iterator, Mapping, Set

from ._client.credentials import find_credentials
from ._client.options import connection_spec
from ._output import Module


class _LongestFirst(Set[str]):
    """A set that is iterated from the longest text to the shortest.

    Core replaces one value after the other: `a@` before `a@b` would leave the `b` readable.
    """

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(super().__iter__(), key=len, reverse=True))


class MaskingModule(Module):
    """A module that masks misplaced passwords from the first message and log entry on.

    Somebody may write user:password@host, in hostname or anywhere. That is an error, but core may
    report another one first, with all options, and writes them to the system's log before that.
    """

    def __init__(
        self, given: Mapping[str, Any], *, argument_spec: dict[str, dict[str, Any]], **rest: Any
    ) -> None:
        """What is given is what the task wrote."""
        self._secret_options = {name for name, spec in argument_spec.items() if spec.get("no_log")}
        self._misplaced: set[str] = set()
        self._doubtful: set[str] = set()
        of_connection = connection_spec()
        for name, value in (*given.items(), *_from_environment(argument_spec)):
            if name not in self._secret_options and not name.startswith("_ansible_"):
                found = self._misplaced if name in of_connection else self._doubtful
                found |= find_credentials(value, with_colon=name != "hostname")
        super().__init__(argument_spec=argument_spec, **rest)

    @property
    def no_log_values(self) -> set[str]:
        """What is masked wherever it occurs."""
        return self._masked

    @no_log_values.setter
    def no_log_values(self, values: set[str]) -> None:
        # The constructor of core begins with none, and may fail before it has any.
        self._masked = _LongestFirst({*values, *self._misplaced, *self._doubtful})

    def unmask_values(self) -> None:
        """Mask no longer what is a valid value, such as a label with an at sign.

        Options are checked by now, and those of the connection are of no use with a password in
        them. A label that is masked could not be read in the result.
        """
        needed = {str(self.params.get(name)) for name in self._secret_options}
        self._masked -= self._doubtful - self._misplaced - needed


def _from_environment(argument_spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The variables that may stand in for options, whether they do or not."""
    for option, spec in argument_spec.items():
        for name in spec["fallback"][1] if "fallback" in spec else ():
            yield option, os.environ.get(name, "")
