# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import re
from typing import Any, Iterator

_SECRET_NAME = re.compile(
    r".*(?:password|passwd|passphrase|pwd|psk|private_key|session_id|token|token_id)|pass|secret",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://")
_ACCOUNT = re.compile(r"""[^\s"'=,{}\[\]/:@]+:(?P<password>\S.*)""", re.DOTALL)


def find_credentials(value: Any, *, with_colon: bool) -> set[str]:
    """Return texts of a value that are in the place where a URL has user and password.

    Return each in all forms in which a message may quote it. If with_colon is true, only
    `user:password@` counts; otherwise `password@` does as well.
    """
    found: set[str] = set()
    for text in _walk_texts(value):
        head, at, _host = text.rpartition("@")
        if at and (":" in _strip_scheme(head) or not with_colon):
            found.update(_list_forms(head))
            # ansible-core splits text at commas, even if they belong to the password.
            for piece in head.split(","):
                found.update(_list_forms(piece), _list_forms(piece.rpartition("@")[0]))
    return found


def is_secret_name(name: str) -> bool:
    """Return whether the name of a key or parameter is one that holds a secret."""
    return _SECRET_NAME.fullmatch(name) is not None


def find_secrets_under_keys(value: Any) -> set[str]:
    """Return the texts under keys such as password, at any depth of a value."""
    found: set[str] = set()
    if isinstance(value, dict):
        for key, held in value.items():
            if isinstance(key, str) and is_secret_name(key):
                found.update(
                    form for text in _walk_texts(held) for form in (text, repr(text)[1:-1])
                )
            else:
                found |= find_secrets_under_keys(held)
    elif isinstance(value, (list, tuple)):
        for element in value:
            found |= find_secrets_under_keys(element)
    return found - {""}


def _list_forms(piece: str) -> Iterator[str]:
    name = _strip_scheme(piece)
    account = _ACCOUNT.search(name)
    for text in (name, "" if account is None else account["password"]):
        # For example, a message that quotes a value doubles its backslashes.
        yield from filter(None, (text, repr(text)[1:-1]))


def _strip_scheme(text: str) -> str:
    return _SCHEME.sub("", text, count=1)


def _walk_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for pair in value.items():
            yield from _walk_texts(list(pair))
    elif isinstance(value, (list, tuple)):
        for element in value:
            yield from _walk_texts(element)
