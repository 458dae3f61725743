# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Iterator, Mapping, Set

from ._client.credentials import (
    find_credentials,
    find_secrets_in_args,
    find_secrets_under_keys,
)
from ._client.options import connection_spec, read_fallbacks
from ._output import Module

_ARGS = "args"
"""The option of call with the arguments of a method."""


class _LongestFirst(Set[str]):
    """A set that iterates from the longest string to the shortest.

    ansible-core masks one value after the other: `a@` before `a@b` would leave the `b` readable.
    """

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(super().__iter__(), key=len, reverse=True))


class MaskingModule(Module):
    """A module that masks passwords in wrong options, from the first message and log entry on.

    A user may write user:password@host, in hostname or elsewhere. That is an error, but
    ansible-core may report another error first, with all options, and logs them before that.
    """

    def __init__(
        self,
        raw_params: Mapping[str, Any],
        *,
        argument_spec: dict[str, dict[str, Any]],
        **settings: Any,
    ) -> None:
        """Find values to mask in raw_params, which has the options as the task wrote them."""
        self._secret_options = {name for name, spec in argument_spec.items() if spec.get("no_log")}
        self._misplaced: set[str] = set()
        self._doubtful: set[str] = set()
        connection_options = connection_spec()
        for name, value in (*raw_params.items(), *read_fallbacks(argument_spec)):
            if name not in self._secret_options and not name.startswith("_ansible_"):
                found = self._misplaced if name in connection_options else self._doubtful
                found |= find_credentials(value, with_colon=name != "hostname")
                # A list of words in another option is not a call.
                find = find_secrets_in_args if name == _ARGS else find_secrets_under_keys
                self._misplaced |= find(value)
        super().__init__(argument_spec=argument_spec, **settings)

    @property
    def no_log_values(self) -> set[str]:
        """The values that are masked wherever they occur."""
        return self._masked

    @no_log_values.setter
    def no_log_values(self, values: set[str]) -> None:
        # The constructor of AnsibleModule sets an empty set first, and may fail before it adds any.
        self._masked = _LongestFirst({*values, *self._misplaced, *self._doubtful})

    def unmask_values(self) -> None:
        """Stop masking valid values, such as a label with an at sign.

        Call this when the options have been checked. Values of connection options stay masked: an
        option with a password in it does not work anyway. A masked label would be unreadable in
        the result.
        """
        needed = {str(self.params.get(name)) for name in self._secret_options}
        self._masked -= self._doubtful - self._misplaced - needed
