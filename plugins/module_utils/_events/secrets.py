# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from collections import deque
from typing import Any, Iterable, Mapping

from .._client.credentials import find_credentials, find_secrets_under_keys
from .._client.options import connection_spec

_MASK = "********"
_MAX_SESSIONS = 50
"""References that are kept; sessions before the latest ones do not exist any more."""
SECRET_OPTIONS = ("password", "session_ref")


class Secrets:
    """Masks the password, session references and misplaced passwords in text."""

    def __init__(
        self, params: Mapping[str, Any], fallbacks: Iterable[tuple[str, str]] = ()
    ) -> None:
        """The params are as the user wrote them; the fallbacks are options of the environment."""
        self._fixed: set[str] = set()
        self._doubtful: set[str] = set()
        self._sessions: deque[str] = deque(maxlen=_MAX_SESSIONS)
        known = connection_spec()
        for name, value in (*params.items(), *fallbacks):
            if name in SECRET_OPTIONS:
                self._fixed.add(str(value))
                continue
            found = self._fixed if name in known else self._doubtful
            found |= find_credentials(value, with_colon=name != "hostname")
            self._fixed |= find_secrets_under_keys({name: value})
        self._order()

    def unmask_values(self) -> None:
        """Stop masking valid values, such as a label with an at sign, once they are checked."""
        self._doubtful.clear()
        self._order()

    def add_session(self, ref: str) -> None:
        """Mask a session reference from now on."""
        self._sessions.append(ref)
        self._order()

    def mask(self, text: str) -> str:
        """Return text with asterisks in place of secrets."""
        for secret in self._ordered:
            if secret in text:
                text = text.replace(secret, _MASK)
        return text

    def mask_all(self, value: Any) -> Any:
        """Return a value with all texts in it masked, at any depth."""
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, (list, tuple)):
            return [self.mask_all(item) for item in value]
        if isinstance(value, Mapping):
            return {self.mask(str(key)): self.mask_all(item) for key, item in value.items()}
        return value

    def _order(self) -> None:
        # The longest first: `a@` before `a@b` would leave the `b` readable.
        found: Iterable[str] = filter(None, {*self._fixed, *self._doubtful, *self._sessions})
        self._ordered = sorted(found, key=len, reverse=True)
