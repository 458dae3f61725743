# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from .._client.credentials import is_secret_name
from .datamodel import Method

_CLASSES = {
    "session": (
        "is refused: the module logs in and out by itself, and a session is a secret that Ansible "
        "would print and log"
    ),
    "event": "is refused: events belong to one session; use xen.xapi.task_wait to wait",
    "secret": "is refused: its objects are secrets, which Ansible would print and log",
}
_TAKES_SECRET = "is refused: it takes a secret in {}, which Ansible would print and log"
_RETURNS_SECRET = "is refused: it returns a secret, which Ansible would print and log"
_RETURNS_SESSION = "is refused: its result contains a session, which is a secret"
_TAKES_SESSION = "is refused: it takes a session in {}, which Ansible would print and log"
_SESSION = "session ref"
_TAKES_ACCOUNT = (
    "is refused: its configuration contains a password, which Ansible would print and log"
)
_METHODS = {
    "VDI.get_nbd_info": _RETURNS_SESSION,
    "host.migrate_receive": _RETURNS_SESSION,
    "host.disable_external_auth": _TAKES_ACCOUNT,
    "host.enable_external_auth": _TAKES_ACCOUNT,
    "pool.disable_external_auth": _TAKES_ACCOUNT,
    "pool.enable_external_auth": _TAKES_ACCOUNT,
}


def explain_refusal(method: str, described: Method | None, *, count: int) -> str | None:
    """Return why a method must not be called with this many arguments; None if it may be.

    The reason is the rest of a sentence. A method with an optional secret is refused only if the
    secret is given.
    """
    kind, _dot, name = method.partition(".")
    kind = kind.lower()
    if kind in _CLASSES:
        return _CLASSES[kind]
    if method in _METHODS:
        return _METHODS[method]
    if described is not None and described.result == _SESSION:
        return _RETURNS_SESSION
    returns_text = described is None or described.result == "string"
    if name.startswith("get_") and returns_text and is_secret_name(name[len("get_") :]):
        return _RETURNS_SECRET
    for param in () if described is None else described.params[:count]:
        if param.type == "string" and is_secret_name(param.name):
            return _TAKES_SECRET.format(param.name)
        if param.type == _SESSION:
            return _TAKES_SESSION.format(param.name)
    return None
