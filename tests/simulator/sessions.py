# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions: login and logout, their accounts, and the owners of tasks."""

from __future__ import annotations

from collections.abc import Callable

from . import classes, roles
from .clock import WallClock
from .database import Database, Record
from .messages import Context, Message
from .values import ApiError, Date, new_ref, ref, text

LAST_ACTIVE_STEP = 600
"""Seconds; `last_active` is written at most this often (session_check.ml)."""


class Sessions:
    """The sessions of a pool. They live in the master's memory: a restart forgets them."""

    def __init__(
        self, database: Database, clock: WallClock, *, username: str, password: str
    ) -> None:
        self.accounts = roles.accounts(username)
        self.root = self.accounts[username]
        self.ended: list[Callable[[str], None]] = []
        """Called with the reference of each session that ends."""
        self._database = database
        self._clock = clock
        self._active: dict[str, float] = {}
        self._passwords = dict.fromkeys(self.accounts, password)
        self._local: dict[str, str] = {}
        """The host of each local session: no other host knows of it, nor does the database
        (xapi_local_session.ml)."""

    def login(self, host: str, name: str, password: str, originator: str) -> str:
        self._authenticate(name, password)
        account = self.accounts[name]
        now = self._clock.now()
        session = self._database.create(
            "session",
            classes.new(
                "session",
                auth_user_name=name,
                auth_user_sid=account.sid,
                is_local_superuser=account.is_root,
                originator=originator,
                this_host=host,
                last_active=Date.at(now),
                validation_time=Date.at(now),
            ),
        )
        self._active[session] = now
        return session

    def _authenticate(self, name: str, password: str) -> None:
        if self._passwords.get(name) != password:
            raise _not_authenticated(name)

    def is_local(self, session: str, host: str) -> bool:
        """Whether it is one that root has with that host alone."""
        return self._local.get(session) == host

    def account(self, session: str) -> roles.Account:
        """Return the account of a session and mark it as used; raise SESSION_INVALID for none."""
        with self._database.lock:
            try:
                record = self._database.read("session", session)
            except ApiError:
                raise ApiError("SESSION_INVALID", session) from None
            now = self._clock.now()
            if now > self._active[session] + LAST_ACTIVE_STEP:
                self._active[session] = now
                self._database.write("session", session, "last_active", Date.at(now))
        return self.accounts[record["auth_user_name"]]

    def last_active(self, session: str) -> float:
        return self._active[session]

    def logout(self, session: str) -> None:
        self._database.delete("session", session)
        del self._active[session]
        for callback in self.ended:
            callback(session)

    def owner(self, session: str) -> str | None:
        """The sid of a session's account; None where the session has ended."""
        try:
            sid: str = self._database.read("session", session)["auth_user_sid"]
        except ApiError:
            return None
        return sid

    def forget_all(self) -> None:
        """A restart: gone without a word to anybody."""
        self._database.empty("session")
        self._active.clear()
        self._local.clear()

    def messages(self) -> list[Message]:
        def login(
            context: Context, name: str, password: str, _version: str, originator: str
        ) -> str:
            if context.master_address is not None:
                raise ApiError("HOST_IS_SLAVE", context.master_address)
            return self.login(context.host, name, password, originator)

        def local_login(context: Context, name: str, password: str) -> str:
            if name != self.root.name:
                raise _not_authenticated(name)
            self._authenticate(name, password)
            session = new_ref()
            self._local[session] = context.host
            return session

        def pool_login(_context: Context, name: str, _secret: str = "") -> str:
            # No client knows the secret of a pool; the answer is the same for a wrong one.
            raise ApiError("SESSION_AUTHENTICATION_FAILED", name, "Pool credentials invalid")

        def local_pool_login(context: Context, _secret: str) -> str:
            return pool_login(context, "localhost")

        def local_logout(context: Context) -> str:
            self._local.pop(context.session, None)
            return ""

        def logout(context: Context) -> str:
            # A local session stays: it is not in the database (xapi_session.ml, `logout`).
            if context.session not in self._local:
                self.logout(context.session)
            return ""

        def change_password(_context: Context, _old: str, new: str) -> str:
            # The old one is not looked at (xapi_session.ml).
            self._passwords[self.root.name] = new
            return ""

        optional = ((text, "1.1"), (text, ""))
        return [
            Message(
                "session.login_with_password",
                (text, text),
                login,
                defaults=optional,
                has_session=False,
            ),
            Message(
                "session.slave_local_login_with_password",
                (text, text),
                local_login,
                has_session=False,
            ),
            Message("session.slave_login", (ref, text), pool_login, has_session=False),
            Message("session.slave_local_login", (text,), local_pool_login, has_session=False),
            Message("session.local_logout", (), local_logout, role="pool-admin"),
            Message("session.logout", (), logout),
            Message(
                "session.change_password", (text, text), change_password, role=roles.LOCAL_ROOT
            ),
            Message("session.get_by_uuid", (text,), self._get_by_uuid),
            Message("session.get_record", (ref,), lambda _context, session: self._read(session)),
            *(
                Message(f"session.get_{field}", (ref,), self._getter(field))
                for field in ("uuid", *classes.BLANKS["session"])
            ),
            Message(
                "session.get_all_subject_identifiers",
                (),
                lambda _context: self._sids(),
                has_async=True,
            ),
            Message(
                "session.logout_subject_identifier",
                (text,),
                self._logout_sid,
                role="pool-operator",
                has_async=True,
            ),
        ]

    def _get_by_uuid(self, _context: Context, uuid: str) -> str:
        return self._database.find_by_uuid("session", uuid)

    def _getter(self, field: str) -> Callable[[Context, str], object]:
        return lambda _context, session: self._read(session)[field]

    def _read(self, session: str) -> Record:
        """A session's record, with the tasks that it made: a new row goes to the front of the set
        that it belongs to, and stays there (db_cache_types.ml, add_row)."""
        record = self._database.read("session", session)
        with self._database.lock:
            rows = dict(self._database["task"].rows)
        tasks = [task for task, row in rows.items() if row.hidden["session"] == session]
        tasks.sort(key=lambda task: rows[task].created, reverse=True)
        return {**record, "tasks": tasks}

    def _external(self) -> dict[str, str]:
        """The sessions that are not root's, and whose they are."""
        records = self._database.records("session").items()
        return {ref: row["auth_user_sid"] for ref, row in records if not row["is_local_superuser"]}

    def _sids(self) -> list[str]:
        return sorted(set(self._external().values()))

    def _logout_sid(self, context: Context, sid: str) -> str:
        """All sessions of an account but the one that asks for it."""
        for session, owner in self._external().items():
            if owner == sid and session != context.session:
                self.logout(session)
        return ""


def _not_authenticated(name: str) -> ApiError:
    return ApiError("SESSION_AUTHENTICATION_FAILED", name, "Authentication failure")
