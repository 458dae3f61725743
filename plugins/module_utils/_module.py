# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import os
import select
import signal
import sys
import time
import traceback
from collections import Counter, deque
from contextlib import contextmanager
from types import FrameType
from typing import Any, Callable, Iterator, Mapping, Sequence, Set

from ansible.module_utils import basic

from ._client.background import INTERRUPT_POLL_INTERVAL
from ._client.credentials import credentials_in
from ._client.jsonrpc import Call
from ._client.options import ConnectionOptions, connection_spec, parse_connection_options
from ._client.session import Session
from ._client.transport import Transport
from ._error_codes import error_dict
from ._errors import (
    CallerGone,
    Interrupted,
    LibraryMissing,
    TlsFailed,
    XapiError,
    XapiFailure,
)
from ._messages import error_message
from ._output import Module
from ._validators import refuse_booleans, refuse_nulls

_CALLS_VERBOSITY = 3
_MAX_CALLS = 1000
_STDOUT = 1


class _LongestFirst(Set[str]):
    """A set that is iterated from the longest text to the shortest.

    Core replaces one value after the other: `a@` before `a@b` would leave the `b` readable.
    """

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(super().__iter__(), key=len, reverse=True))


class _Module(Module):
    """A module that masks misplaced passwords from the first message and log entry on.

    Somebody may write user:password@host, in hostname or anywhere. That is an error, but core may
    report another one first, with all options, and writes them to the system's log before that.
    """

    def __init__(
        self, given: Mapping[str, Any], *, argument_spec: dict[str, dict[str, Any]], **rest: Any
    ) -> None:
        """What is given is what the task wrote."""
        self._secret_options = {name for name, spec in argument_spec.items() if spec.get("no_log")}
        self._misplaced: set[str] = set()
        self._doubtful: set[str] = set()
        of_connection = connection_spec()
        for name, value in (*given.items(), *_from_environment(argument_spec)):
            if name not in self._secret_options and not name.startswith("_ansible_"):
                found = self._misplaced if name in of_connection else self._doubtful
                found |= credentials_in(value, with_colon=name != "hostname")
        super().__init__(argument_spec=argument_spec, **rest)

    @property
    def no_log_values(self) -> set[str]:
        """What is masked wherever it occurs."""
        return self._masked

    @no_log_values.setter
    def no_log_values(self, values: set[str]) -> None:
        # The constructor of core begins with none, and may fail before it has any.
        self._masked = _LongestFirst({*values, *self._misplaced, *self._doubtful})

    def unmask_values(self) -> None:
        """Mask no longer what is a valid value, such as a label with an at sign.

        Options are checked by now, and those of the connection are of no use with a password in
        them. A label that is masked could not be read in the result.
        """
        needed = {str(self.params.get(name)) for name in self._secret_options}
        self._masked -= self._doubtful - self._misplaced - needed


def _from_environment(argument_spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The variables that may stand in for options, whether they do or not."""
    for option, spec in argument_spec.items():
        for name in spec["fallback"][1] if "fallback" in spec else ():
            yield option, os.environ.get(name, "")


class Run:
    """One run of a module: its options, and the way to the pool."""

    def __init__(self, module: _Module, *, given: Mapping[str, Any]) -> None:
        """What is given is what the task wrote: in params, a null looks like a missing option."""
        self._module = module
        self.stop = _Stop()
        self._calls: deque[Call] | None = None
        if module._verbosity >= _CALLS_VERBOSITY:
            self._calls = deque(maxlen=_MAX_CALLS)
        self.params: Mapping[str, Any] = module.params
        self.given = given
        self.check_mode: bool = module.check_mode
        self.clock: Callable[[], float] = time.monotonic
        self.warn: Callable[[str], None] = module.warn
        self.partial_result: Callable[[], dict[str, Any]] = dict
        """What to return besides the message when something goes wrong from now on."""

    @contextmanager
    def connect(self) -> Iterator[Session]:
        """A session that is logged out however the block ends, by a signal too."""
        options = parse_connection_options(self.params, given=self.given)
        self._module.unmask_values()
        self._warn_of(options)
        transport = Transport(
            validate_certs=options.validate_certs,
            ca_path=options.ca_path,
            fingerprints=options.fingerprints,
            time_limit=options.request_timeout,
            stop=self.stop.check,
        )
        session = Session(
            transport,
            endpoints=options.endpoints,
            username=options.username,
            password=options.password,
            add_secret=self._module.no_log_values.add,
            given_ref=options.session_ref,
            pool_uuid=options.pool_uuid,
            follow_master=options.follow_master,
            record=self._record,
        )
        try:
            with session:
                yield session
        finally:
            for error in session.skipped_errors:
                if isinstance(error, TlsFailed):
                    self._module.warn(f"Another member was used. {error_message(error)}")
            self._warn_of_sessions(session)

    def sleep(self, seconds: float) -> None:
        """Sleep, unless the run is to end."""
        end = self.clock() + seconds
        while True:
            self.stop.check()
            left = end - self.clock()
            if left <= 0:
                return
            time.sleep(min(left, INTERRUPT_POLL_INTERVAL))

    def recorded_calls(self) -> dict[str, Any]:
        """What was called so far, for the result of a run at -vvv and more."""
        return {} if self._calls is None else {"calls": [call._asdict() for call in self._calls]}

    def _record(self, call: Call) -> None:
        if self._calls is not None:
            self._calls.append(call)

    def _warn_of_sessions(self, session: Session) -> None:
        """Warn of each session that may be left; core shows equal warnings once."""
        for words, count in Counter(map(error_message, session.logout_errors)).items():
            times = "" if count == 1 else f" ({count} times)"
            self._module.warn(
                f"The logout failed, so the session stays until the server drops it{times}: {words}"
            )
        if session.unanswered_logins:
            self._module.warn(
                f"Logins without a usable answer: {session.unanswered_logins}. If they opened "
                "sessions, these stay until the server drops them, after a day without use."
            )

    def _warn_of(self, options: ConnectionOptions) -> None:
        clear = [endpoint.url for endpoint in options.endpoints if endpoint.scheme == "http"]
        if clear:
            secret = "password" if options.session_ref is None else "session_ref"
            self._module.warn(f"The {secret} travels in clear to {', '.join(clear)}: use https.")
        if options.ca_path and options.fingerprints:
            self._module.warn("ca_path is not used, since cert_fingerprint is given.")
        elif options.ca_path and not options.validate_certs:
            self._module.warn("ca_path is not used, since validate_certs is false.")


def run_module(
    work: Callable[[Run], dict[str, Any]],
    *,
    argument_spec: dict[str, dict[str, Any]],
    mutually_exclusive: Sequence[Sequence[str]] = (),
) -> None:
    """Build the module, do the work, and end with what it returns or with what went wrong.

    Work that did not come to the end that was asked for returns failed and a msg with the rest.
    """
    # None where a tool only looks at the argument spec.
    given = basic._load_params() or {}
    module = _Module(
        given,
        argument_spec=argument_spec,
        mutually_exclusive=mutually_exclusive,
        supports_check_mode=True,
    )
    run = Run(module, given=given)
    # To the end of the output: a signal after the logout has nothing left to stop.
    with _reader_may_leave(), run.stop:
        _work_and_tell(work, run, module)


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """Where nobody reads the output any more there is nobody to tell of that either."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer would be tried once more as Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)
        raise SystemExit(1) from None


def _work_and_tell(work: Callable[[Run], dict[str, Any]], run: Run, module: _Module) -> None:
    try:
        refuse_nulls(run.given, module.argument_spec)
        refuse_booleans(run.given, module.argument_spec)
        result = work(run)
    except CallerGone:
        # There is nobody to tell it to, and printing would only fail with a traceback.
        raise SystemExit(1) from None
    except XapiFailure as failure:
        error = error_dict(failure.code, failure.params)
        module.fail_json(
            msg=error_message(failure), error=error, **run.partial_result(), **run.recorded_calls()
        )
    except LibraryMissing as missing:
        module.fail_json(msg=basic.missing_required_lib(missing.library), exception=missing.details)
    except XapiError as error:
        module.fail_json(msg=error_message(error), **run.partial_result(), **run.recorded_calls())
    except Exception as error:
        module.fail_json(
            msg=f"This is a defect of the collection xen.xapi, please report it: {error!r}",
            exception=traceback.format_exc(),
            **run.recorded_calls(),
        )
    end = module.fail_json if result.get("failed") else module.exit_json
    end(**result, **run.recorded_calls())


class _Stop:
    """Why the run is to end early; asked at moments at which ending leaves no session behind.

    A signal is kept until then. And Ansible's keyword timeout ends the process that reads what the
    module prints, but not the module, which can tell only from its standard output.
    """

    def __init__(self, output: int = _STDOUT) -> None:
        self._received = ""
        self._before: dict[int, Any] = {}
        self._reader = select.poll()
        # No event is asked for: that the other end is gone is told anyway.
        self._reader.register(output, 0)

    def __enter__(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # What the starter made us deaf to, as nohup does, is to end nothing.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._record_signal)

    def __exit__(self, *_details: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _record_signal(self, number: int, _frame: FrameType | None) -> None:
        self._received = signal.Signals(number).name

    def check(self) -> None:
        if self._received:
            raise Interrupted(self._received)
        for _output, event in self._reader.poll(0):
            if event & (select.POLLERR | select.POLLHUP):
                raise CallerGone
