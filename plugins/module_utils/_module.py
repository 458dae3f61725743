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
from collections import deque
from contextlib import contextmanager
from types import FrameType
from typing import Any, Callable, Iterator, Mapping, Sequence

from ansible.module_utils import basic

from ._client.background import INTERRUPT_POLL_INTERVAL
from ._client.connection import connect
from ._client.jsonrpc import Call
from ._client.options import parse_connection_options
from ._client.session import Session
from ._error_codes import format_error
from ._errors import CallerGone, Interrupted, LibraryMissing, XapiError, XapiFailure
from ._masking import MaskingModule
from ._messages import error_message
from ._validators import refuse_booleans, refuse_nulls

_CALLS_VERBOSITY = 3
_MAX_CALLS = 1000
_STDOUT = 1


class Run:
    """One run of a module: its options, and the way to the pool."""

    def __init__(self, module: MaskingModule, *, raw_params: Mapping[str, Any]) -> None:
        """What is given is what the task wrote: in params, a null looks like a missing option."""
        self._module = module
        self.stop = _Stop()
        self._calls: deque[Call] | None = None
        if module._verbosity >= _CALLS_VERBOSITY:
            self._calls = deque(maxlen=_MAX_CALLS)
        self.params: Mapping[str, Any] = module.params
        self.raw_params = raw_params
        self.check_mode: bool = module.check_mode
        self.clock: Callable[[], float] = time.monotonic
        self.warn: Callable[[str], None] = module.warn
        self.partial_result: Callable[[], dict[str, Any]] = dict
        """What to return besides the message when something goes wrong from now on."""

    @contextmanager
    def connect(self) -> Iterator[Session]:
        """A session that is logged out however the block ends, by a signal too."""
        options = parse_connection_options(self.params, raw_params=self.raw_params)
        self._module.unmask_values()
        with connect(
            options,
            stop=self.stop.check,
            warn=self._module.warn,
            add_secret=self._module.no_log_values.add,
            record=self._record,
        ) as session:
            yield session

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
    raw_params = basic._load_params() or {}
    module = MaskingModule(
        raw_params,
        argument_spec=argument_spec,
        mutually_exclusive=mutually_exclusive,
        supports_check_mode=True,
    )
    run = Run(module, raw_params=raw_params)
    # To the end of the output: a signal after the logout has nothing left to stop.
    with _ignore_closed_output(), run.stop:
        _run_and_report(work, run, module)


@contextmanager
def _ignore_closed_output() -> Iterator[None]:
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


def _run_and_report(work: Callable[[Run], dict[str, Any]], run: Run, module: MaskingModule) -> None:
    try:
        refuse_nulls(run.raw_params, module.argument_spec)
        refuse_booleans(run.raw_params, module.argument_spec)
        result = work(run)
    except CallerGone:
        # There is nobody to tell it to, and printing would only fail with a traceback.
        raise SystemExit(1) from None
    except XapiFailure as failure:
        error = format_error(failure.code, failure.params)
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
