# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import re
from typing import Any, Iterator

_SCHEME = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://")
_ACCOUNT = re.compile(r"""[^\s"'=,{}\[\]/:@]+:(?P<password>\S.*)""", re.DOTALL)


def find_credentials(value: Any, *, with_colon: bool) -> set[str]:
    """Return what stands where a URL has user and password, in any text of a value.

    Each of them comes in all the forms in which a message may repeat it. With a colon, only
    `user:password@` counts; without, `password@` does too.
    """
    found: set[str] = set()
    for text in _texts(value):
        head, at, _host = text.rpartition("@")
        if at and (":" in _without_scheme(head) or not with_colon):
            found.update(_forms(head))
            # Core makes a list of a text with commas, whether these belong to the password or not.
            for piece in head.split(","):
                found.update(_forms(piece), _forms(piece.rpartition("@")[0]))
    return found


def _forms(piece: str) -> Iterator[str]:
    name = _without_scheme(piece)
    account = _ACCOUNT.search(name)
    for text in (name, "" if account is None else account["password"]):
        # A message that quotes a value doubles its backslashes, for example.
        yield from filter(None, (text, repr(text)[1:-1]))


def _without_scheme(text: str) -> str:
    return _SCHEME.sub("", text, count=1)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for pair in value.items():
            yield from _texts(list(pair))
    elif isinstance(value, (list, tuple)):
        for element in value:
            yield from _texts(element)
