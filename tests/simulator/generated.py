# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages made from their declarations: with a handler of a class file, or without any.

A message that the server has and the simulator does not do checks its arguments, the session and
the role as any other; then it answers with an error code of the simulator's own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping

from .api import Declaration, declarations
from .inventory import Inventory
from .messages import Context, Handler, Message
from .roles import LOCAL_ROOT
from .types import first_value, reader
from .values import NOT_IMPLEMENTED, ApiError, Value

DEFAULTS: dict[str, tuple[Value, ...]] = {"host.disable": (True,)}
"""Values of parameters that were left out, where the first value of the type is not it."""

Work = Callable[..., Value]
"""The work of a message, called with the inventory, the context and the arguments."""


def message(declaration: Declaration, handler: Handler) -> Message:
    """Return the message of a declaration."""
    values = DEFAULTS.get(declaration.name) or tuple(map(first_value, declaration.optional))
    return Message(
        declaration.name,
        tuple(map(reader, declaration.params)),
        handler,
        role=declaration.role or LOCAL_ROOT,
        defaults=tuple(zip(map(reader, declaration.optional), values, strict=True)),
        has_session=declaration.has_session,
        has_async=declaration.has_async,
    )


def messages(inventory: Inventory, works: Mapping[str, Work]) -> Iterator[Message]:
    """Yield every message that the server has; those without a work refuse it."""
    for declaration in declarations():
        work = works.get(declaration.name)
        if work is not None:
            yield message(declaration, functools.partial(_bound, work, inventory))
        else:
            yield _refused(declaration)


def _bound(work: Work, inventory: Inventory, context: Context, *params: Value) -> Value:
    result = work(inventory, context, *params)
    return "" if result is None else result


def removed() -> Iterator[Message]:
    """Yield the messages that the server knows and no longer does.

    It checks their count of arguments and the session, but neither types nor the role, and makes
    no task for them (gen_server.ml).
    """

    def refuse(_context: Context, *_params: Value) -> Value:
        raise ApiError("MESSAGE_REMOVED")

    for declaration in declarations():
        if declaration.is_removed:
            yield Message(
                declaration.name,
                tuple(_anything for _kind in declaration.params),
                refuse,
                defaults=tuple((_anything, "") for _kind in declaration.optional),
                has_session=declaration.has_session,
                start=refuse,
            )


def _anything(value: Value) -> Value:
    return value


def _refused(declaration: Declaration) -> Message:
    def refuse(_context: Context, *_params: Value) -> Value:
        raise ApiError(NOT_IMPLEMENTED, declaration.name)

    made = message(declaration, refuse)
    start = refuse if declaration.has_async else None
    return made._replace(has_async=False, start=start, is_missing=True)
