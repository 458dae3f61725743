# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The expressions of get_all_records_where: `field "status" = "pending" and not (...)`.

Grammar and precedence as in db_filter_lex.mll and db_filter_parse.mly: only equality, `and` and
`or` of one precedence from left to right, and `not` weaker than both, so that it takes all that
follows.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .values import ApiError

Lookup = Callable[[str], str]
"""The text that the database keeps for a column of the row at hand."""
Predicate = Callable[[Lookup], bool]

_TOKEN = re.compile(r'[ \t\n]*(?:(=|true|false|\(|\)|field|and|or|not)|"([^"]*)"|$)')


class _SyntaxError(Exception):
    pass


def parse(expression: str) -> Predicate:
    """The predicate of an expression; INVALID_VALUE where it is invalid."""
    try:
        parser = _Parser(expression)
        predicate = parser.expression()
        parser.end()
    except _SyntaxError as error:
        raise ApiError("INVALID_VALUE", expression, str(error)) from None
    return predicate


class _Parser:
    """Reads a token when it is needed, so that the error names the first mistake."""

    def __init__(self, expression: str) -> None:
        self._rest = expression
        self._token: tuple[str, str] | None = None

    def expression(self) -> Predicate:
        if self._next("not"):
            inner = self.expression()
            return lambda row: not inner(row)
        left = self._term()
        while True:
            if self._next("and"):
                left = _both(left, self._operand())
            elif self._next("or"):
                left = _either(left, self._operand())
            else:
                return left

    def end(self) -> None:
        self._need("end")

    def _operand(self) -> Predicate:
        return self.expression() if self._peek()[0] == "not" else self._term()

    def _term(self) -> Predicate:
        if self._next("true"):
            return lambda row: True
        if self._next("false"):
            return lambda row: False
        if self._next("("):
            inner = self.expression()
            self._need(")")
            return inner
        left = self._value()
        self._need("=")
        right = self._value()
        # From right to left, as OCaml evaluates: of two unknown columns it names the second.
        return lambda row: right(row) == left(row)

    def _value(self) -> Callable[[Lookup], str]:
        if self._next("field"):
            column = self._need("text")
            return lambda row: row(column)
        literal = self._need("text")
        return lambda row: literal

    def _peek(self) -> tuple[str, str]:
        if self._token is None:
            found = _TOKEN.match(self._rest)
            if found is None:
                raise _SyntaxError('Failure("lexing: empty token")')
            self._rest = self._rest[found.end() :]
            if found[1] is not None:
                self._token = (found[1], "")
            elif found[2] is not None:
                self._token = ("text", found[2])
            else:
                self._token = ("end", "")
        return self._token

    def _next(self, kind: str) -> bool:
        if self._peek()[0] != kind:
            return False
        self._token = None
        return True

    def _need(self, kind: str) -> str:
        found, value = self._peek()
        if found != kind:
            raise _SyntaxError("Xapi_database.Db_filter_parse.MenhirBasics.Error")
        self._token = None
        return value


def _both(left: Predicate, right: Predicate) -> Predicate:
    return lambda row: left(row) and right(row)


def _either(left: Predicate, right: Predicate) -> Predicate:
    return lambda row: left(row) or right(row)
