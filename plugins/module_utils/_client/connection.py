# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from contextlib import contextmanager
from typing import Callable, Iterator

from .jsonrpc import Call, ignore_call
from .messages import list_option_warnings, list_session_warnings
from .options import ConnectionOptions
from .session import Session
from .transport import Transport


@contextmanager
def connect(
    options: ConnectionOptions,
    *,
    stop: Callable[[], None],
    warn: Callable[[str], None],
    add_secret: Callable[[str], None],
    record: Callable[[Call], None] = ignore_call,
) -> Iterator[Session]:
    """Yield a session on the pool that the options name; log it out however the block ends.

    stop is called before and during each request, and raises an XapiError to end the run. warn
    receives each warning as text, add_secret the reference of each new session, and record each
    call after it ended.
    """
    for warning in list_option_warnings(options):
        warn(warning)
    session = _create_session(options, stop=stop, add_secret=add_secret, record=record)
    try:
        with session:
            yield session
    finally:
        for warning in list_session_warnings(
            skipped_errors=session.skipped_errors,
            logout_errors=session.logout_errors,
            unanswered_logins=session.unanswered_logins,
        ):
            warn(warning)


def _create_session(
    options: ConnectionOptions,
    *,
    stop: Callable[[], None],
    add_secret: Callable[[str], None],
    record: Callable[[Call], None],
) -> Session:
    transport = Transport(
        validate_certs=options.validate_certs,
        ca_path=options.ca_path,
        fingerprints=options.fingerprints,
        time_limit=options.request_timeout,
        stop=stop,
    )
    return Session(
        transport,
        endpoints=options.endpoints,
        username=options.username,
        password=options.password,
        add_secret=add_secret,
        given_ref=options.session_ref,
        pool_uuid=options.pool_uuid,
        follow_master=options.follow_master,
        record=record,
    )
