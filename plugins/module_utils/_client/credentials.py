# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import html
import json
import re
from typing import Any, Iterator, Sequence

_SECRET_NAME = re.compile(
    r"(?:.*(?:password|passwd|passphrase|pwd|psk|private_key|api_?key|session_id|token|token_id)"
    r"|(?:.*[^a-z])?(?:admin|root|user)?pass|secret)[0-9]*",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://")
_URL_PASSWORD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:([^\s/]+)@")
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
    """Return the texts and numbers under keys such as password, at any depth of a value.

    Return each in all forms in which a message, JSON or XML may quote it.
    """
    found: set[str] = set()
    if isinstance(value, dict):
        for key, held in value.items():
            if isinstance(key, str) and is_secret_name(key):
                found.update(_quote_values(held))
            else:
                found |= find_secrets_under_keys(held)
    elif isinstance(value, str):
        found |= find_secrets_under_keys(_parse_json(value))
    elif isinstance(value, (list, tuple)):
        for element in value:
            found |= find_secrets_under_keys(element)
    return found - {""}


def find_secrets_in_args(args: Any) -> set[str]:
    """Return the secrets in the arguments of a call, in all forms in which a message quotes them.

    A value that follows a name such as password is one, as in `VM.add_to_other_config`, which takes
    a key and a value. So is the password in a URL, as `host.bugreport_upload` takes it.
    """
    if isinstance(args, str) and _parse_json(args) is None:
        # Ansible makes a list of such a text.
        args = [piece.strip() for piece in args.split(",")]
    found = find_secrets_under_keys(args)
    for listed in _walk_lists(args):
        for name, held in zip(listed, listed[1:]):
            if isinstance(name, str) and is_secret_name(name):
                found.update(_quote_values(held))
    for text in _walk_texts(args):
        for password in _URL_PASSWORD.findall(text):
            found.update(_quote(password))
    return found - {""}


def _walk_lists(value: Any) -> Iterator[Sequence[Any]]:
    """Yield the lists in a value at any depth, also those in JSON texts."""
    if isinstance(value, str):
        value = _parse_json(value)
    if isinstance(value, (list, tuple)):
        yield value
        for element in value:
            yield from _walk_lists(element)
    elif isinstance(value, dict):
        for held in value.values():
            yield from _walk_lists(held)


def _parse_json(text: str) -> Any:
    """Return the map or list of a JSON text, such as a template with to_json gives; or None."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _quote(text: str) -> Iterator[str]:
    yield text
    yield repr(text)[1:-1]
    yield json.dumps(text)[1:-1]
    yield html.escape(text, quote=False)
    yield html.escape(text)


def _quote_values(value: Any) -> Iterator[str]:
    for text in _walk_values(value):
        yield from _quote(text)


def _walk_values(value: Any) -> Iterator[str]:
    """Yield the texts and numbers of a value, without the keys of maps."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, (dict, list, tuple)):
        for held in value.values() if isinstance(value, dict) else value:
            yield from _walk_values(held)


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
