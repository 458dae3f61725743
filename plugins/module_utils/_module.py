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
from ansible.module_utils.common.parameters import remove_values

from ._client.background import INTERRUPT_POLL_INTERVAL
from ._client.connection import connect
from ._client.jsonrpc import Call
from ._client.options import parse_connection_options
from ._client.session import Session
from ._error_codes import format_error
from ._errors import CallerGone, Interrupted, LibraryMissing, XapiError, XapiFailure
from ._masking import MaskingModule
from ._progress import PIPE_VARIABLE, ProgressWriter
from ._validators import refuse_booleans, refuse_nulls

_CALLS_VERBOSITY = 3
_MAX_CALLS = 1000
_STDOUT = 1


class Run:
    """One run of a module: its options, and how it connects, sleeps and warns."""

    def __init__(self, module: MaskingModule, *, raw_params: Mapping[str, Any]) -> None:
        """Keep raw_params as well: in params, a null looks like a missing option."""
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
        """Returns the values to add to the message if the run fails from now on."""
        is_shown = module.params.get("progress") and not module.check_mode
        self.progress = ProgressWriter(
            os.environ.get(PIPE_VARIABLE) if is_shown else None,
            mask=lambda value: remove_values(value, module.no_log_values),
        )

    @contextmanager
    def connect(self) -> Iterator[Session]:
        """Yield a session that is logged out however the block ends, including by a signal."""
        options = parse_connection_options(self.params, raw_params=self.raw_params)
        self._module.unmask_values()
        with connect(
            options,
            stop=self.stop.check,
            warn=self._module.warn,
            add_secret=self._module.no_log_values.add,
            record=self._record,
        ) as session:
            self.progress.begin()
            yield session

    def sleep(self, seconds: float) -> None:
        """Sleep, unless the run must end."""
        end = self.clock() + seconds
        while True:
            self.stop.check()
            left = end - self.clock()
            if left <= 0:
                return
            time.sleep(min(left, INTERRUPT_POLL_INTERVAL))

    def recorded_calls(self) -> dict[str, Any]:
        """Return the calls so far, for the result of a run at -vvv and more."""
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
    """Build the module, do the work, and exit with its result or its error.

    Work that ran but did not reach its goal returns a result with failed and msg.
    """
    # This is None if a tool only reads the argument spec.
    raw_params = basic._load_params() or {}
    module = MaskingModule(
        raw_params,
        argument_spec=argument_spec,
        mutually_exclusive=mutually_exclusive,
        supports_check_mode=True,
    )
    run = Run(module, raw_params=raw_params)
    # Keep the signal handlers until the output is written: a signal after the logout is ignored.
    with _ignore_closed_output(), run.stop:
        _run_and_report(work, run, module)


@contextmanager
def _ignore_closed_output() -> Iterator[None]:
    """Exit without a message if standard output is closed, since the message cannot be read."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Python would try to write the rest of the buffer again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)
        raise SystemExit(1) from None


def _run_and_report(work: Callable[[Run], dict[str, Any]], run: Run, module: MaskingModule) -> None:
    try:
        refuse_nulls(run.raw_params, module.argument_spec)
        refuse_booleans(run.raw_params, module.argument_spec)
        result = work(run)
    except CallerGone:
        # Standard output is closed, so printing would only fail with a traceback.
        raise SystemExit(1) from None
    except XapiFailure as failure:
        error = format_error(failure.code, failure.params)
        module.fail_json(
            msg=_error_message(failure), error=error, **run.partial_result(), **run.recorded_calls()
        )
    except LibraryMissing as missing:
        module.fail_json(msg=basic.missing_required_lib(missing.library), exception=missing.details)
    except XapiError as error:
        module.fail_json(msg=_error_message(error), **run.partial_result(), **run.recorded_calls())
    except Exception as error:
        module.fail_json(
            msg=f"This is a defect of the collection xen.xapi, please report it: {error!r}",
            exception=traceback.format_exc(),
            **run.recorded_calls(),
        )
    exit_module = module.fail_json if result.get("failed") else module.exit_json
    exit_module(**result, **run.recorded_calls())


def _error_message(error: XapiError) -> str:
    # Only a failed run needs it, and a module run should start quickly.
    from ._messages import error_message

    return error_message(error)


class _Stop:
    """Raises an error if the run must end, at times when that leaves no session on the pool.

    It keeps a signal until then. Ansible's keyword timeout ends the process that reads the module's
    output, but not the module itself, which only notices that its standard output is closed.
    """

    def __init__(self, output: int = _STDOUT) -> None:
        self._received = ""
        self._before: dict[int, Any] = {}
        self._reader = select.poll()
        # No event is requested: poll reports a closed reader in any case.
        self._reader.register(output, 0)

    def __enter__(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # Keep ignoring signals that the parent set to SIG_IGN, as nohup does.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._record_signal)

    def __exit__(self, *_details: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _record_signal(self, number: int, _frame: FrameType | None) -> None:
        self._received = signal.Signals(number).name

    def check(self) -> None:
        """Raise Interrupted after a signal, and CallerGone if standard output is closed."""
        if self._received:
            raise Interrupted(self._received)
        for _output, event in self._reader.poll(0):
            if event & (select.POLLERR | select.POLLHUP):
                raise CallerGone
