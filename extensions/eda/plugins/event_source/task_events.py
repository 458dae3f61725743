# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
short_description: Emit an event for each end of a task of a XenServer or XCP-ng pool
version_added: 2.0.0
author:
  - xen.xapi contributors
description:
  - Connects to a pool and emits an event when a task succeeds, fails, is cancelled or disappears,
    and on request when a task makes no progress or runs for long. The pool reports each change at
    once.
  - Emits each end once, even if the connection is lost, XAPI restarts or another host becomes the
    master. The source reconnects for as long as it runs.
  - After an interruption, the source reads all tasks again. It emits an event C(gap) that says for
    how long it could not see the pool, and the ends that it missed with C(after_gap) set to
    C(true).
  - Tasks that had ended before the source started are not reported.
  - The guide "React to events" describes the events.
options:
  hostname:
    description:
      - The pool to connect to, as a list of one or more of its members, each with or without a
        port. List several members, so that the source can find a new master among them.
      - If this option is not set, the environment variable E(XAPI_HOST) is used, or else
        E(XENSERVER_HOST). Separate several members by commas there.
    type: list
    elements: str
    required: true
  port:
    description:
      - The port of members that are written without one. By default this is 443, or 80 for a
        member with C(http://).
      - If this option is not set, the environment variable E(XAPI_PORT) is used.
    type: int
  username:
    description:
      - The account to log in with. An account that may only read is sufficient.
      - If this option is not set, the environment variable E(XAPI_USERNAME) is used, or else
        E(XENSERVER_USER).
    type: str
    default: root
  password:
    description:
      - The password of the account. It is required unless O(session_ref) is set.
      - Prefer the environment variable. A template in a rulebook turns a string such as C(1e5) into
        a number, which the source rejects.
      - If this option is not set, the environment variable E(XAPI_PASSWORD) is used, or else
        E(XENSERVER_PASSWORD).
    type: str
  validate_certs:
    description:
      - Whether to require certificates that a trusted authority signed and that are valid for the
        names in O(hostname).
      - If this option is not set, the environment variable E(XAPI_VALIDATE_CERTS) is used, or else
        E(XENSERVER_VALIDATE_CERTS).
    type: bool
    default: true
  ca_path:
    description:
      - The certificate authorities to trust instead of those of the system, as a PEM file or as a
        directory of such files under OpenSSL's hash names.
      - If this option is not set, the environment variable E(XAPI_CA_PATH) is used.
    type: path
  cert_fingerprint:
    description:
      - The SHA-256 fingerprints of the certificates to trust, one for each host.
      - If this option is not set, the environment variable E(XAPI_CERT_FINGERPRINT) is used.
    type: list
    elements: str
  session_ref:
    description:
      - The reference of a session to use instead of logging in. When the session ends, the source
        ends with an error.
    type: str
  pool_uuid:
    description:
      - The uuid of the expected pool. The source ends with an error on another pool.
      - If this option is not set, the environment variable E(XAPI_POOL_UUID) is used.
    type: str
  request_timeout:
    description:
      - How long one request may take, as a duration of at most a day.
      - If this option is not set, the environment variable E(XAPI_REQUEST_TIMEOUT) is used.
    type: str
    default: "30"
  follow_master:
    description:
      - Whether to connect to the pool's master if a member names it.
      - If this option is not set, the environment variable E(XAPI_FOLLOW_MASTER) is used.
    type: bool
    default: true
  name_label:
    description:
      - Only tasks with exactly this label. Mutually exclusive with O(name_regex).
    type: raw
  name_regex:
    description:
      - Only tasks whose label this regular expression of Python matches, in any part. A label of
        more than 1,000 characters always matches.
    type: raw
  name_description:
    description:
      - Only tasks with exactly this description.
    type: raw
  kind:
    description:
      - Only tasks of one of these kinds or groups, by the tables in the guide "Kinds of tasks".
    type: list
    elements: str
    choices:
      - export
      - import
      - copy
      - snapshot
      - migration
      - power
      - host
      - update
      - storage_gc
      - scan
      - plugin
      - console
      - metrics
      - other
      - backup
      - housekeeping
  created_after:
    description:
      - Only tasks that were created at this time or later, in ISO 8601 with its offset from UTC.
    type: str
  created_before:
    description:
      - Only tasks that were created at this time or earlier. Written like O(created_after).
    type: str
  object:
    description:
      - Only tasks that work on this object. The object names these tasks in its
        C(current_operations), or they name it in C(applies_to) of their C(other_config).
      - A task that begins and ends between two answers of the pool is found only if it names the
        object, or if the second answer still has the object's entry.
    type: dict
    suboptions:
      type:
        description: The class of the object.
        type: str
        required: true
        choices: [VM, host, SR, VDI, network, pool]
      uuid:
        description: The uuid of the object. One of uuid and name_label is required.
        type: str
      name_label:
        description: The name of the object, which must be unique.
        type: raw
  resident_on:
    description:
      - Only tasks that this host runs, given by its uuid or name.
    type: raw
  other_config:
    description:
      - Only tasks that have all these keys with these values in their C(other_config).
    type: dict
  exclude:
    description:
      - Leave out the tasks whose whole label this regular expression of Python matches, or one of a
        list of them.
    type: raw
  include_housekeeping:
    description:
      - Whether to report the tasks that a pool runs for itself, such as scans and console
        connections. With any option that selects tasks, only O(exclude) leaves tasks out.
      - O(resident_on), O(created_after) and O(created_before) only narrow the tasks of the pool.
    type: bool
    default: false
  stalled_after:
    description:
      - Emit an event C(stalled) when the status and progress of a task have not changed for this
        long. The source emits it once, and again if the task makes progress and stalls again.
      - Seconds, or numbers with C(w), C(d), C(h), C(m) or C(s), such as V(30m). By default there
        are no such events.
    type: str
  long_running_after:
    description:
      - Emit an event C(long_running), once for each task, when the task has been running for this
        long.
      - Written like O(stalled_after). By default there are no such events.
    type: str
  method:
    description:
      - How the source receives changes. V(events) receives them from the pool. V(poll) reads all
        tasks every O(poll_interval), and misses tasks that begin and are deleted in between.
        V(auto) uses events, and polls while the pool or a proxy does not allow them.
    type: str
    choices: [auto, events, poll]
    default: auto
  poll_interval:
    description:
      - The time between two reads when polling, from 0.1 to 30 seconds.
    type: str
    default: "2"
  buffer_size:
    description:
      - How many events may wait for the rules. Further events are lost, and an event C(overflow)
        says how many.
    type: int
    default: 10000
requirements:
  - requests (Python library)
  - ansible-core
notes:
  - Text from the pool is untrusted. In events, it is cut after 1,000 characters, control characters
    are escaped, and a space separates the brackets of templates so that Ansible does not evaluate
    them.
  - The source logs out when ansible-rulebook ends it.
"""

EXAMPLES = r"""
---
- name: React to failed tasks of a pool
  hosts: localhost
  sources:
    - name: Tasks
      xen.xapi.task_events:
        hostname: xcp1.example.com
        kind: [backup, migration]
        stalled_after: 30m
  rules:
    - name: A task failed
      condition: event.type == "failure"
      action:
        print_event:
          var_root: message
"""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

# ansible-rulebook runs this file by its path, and does not make collections importable.
_FOLDER = Path(__file__).absolute().parents[6]
if _FOLDER.name == "ansible_collections" and str(_FOLDER.parent) not in sys.path:
    sys.path.insert(0, str(_FOLDER.parent))

from ansible_collections.xen.xapi.plugins.module_utils._client.options import read_fallbacks
from ansible_collections.xen.xapi.plugins.module_utils._errors import Interrupted, XapiError
from ansible_collections.xen.xapi.plugins.module_utils._events.buffer import EventBuffer
from ansible_collections.xen.xapi.plugins.module_utils._events.content import write_loss
from ansible_collections.xen.xapi.plugins.module_utils._events.options import (
    InvalidOptions,
    SourceOptions,
    parse_source_options,
    source_spec,
)
from ansible_collections.xen.xapi.plugins.module_utils._events.secrets import (
    SECRET_OPTIONS,
    Secrets,
)
from ansible_collections.xen.xapi.plugins.module_utils._events.source import (
    Callbacks,
    describe_failure,
    emit_events,
)
from ansible_collections.xen.xapi.plugins.module_utils._text import bound_message

_LOGGER = logging.getLogger("xen.xapi.task_events")
_ADDED_BY_RULEBOOK = ("eda_feedback_queue",)
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class SourceError(Exception):
    """An error that ends the source; its text is the message for the user."""


async def main(queue: asyncio.Queue[Any], args: Mapping[str, Any]) -> None:
    """Put an event into the queue for each end of a task, until this is cancelled."""
    params = {name: value for name, value in args.items() if name not in _ADDED_BY_RULEBOOK}
    secrets = Secrets(params, read_fallbacks(source_spec()))
    try:
        options = parse_source_options(params)
    except (XapiError, InvalidOptions) as error:
        raise _source_error(error, secrets) from None
    secrets.unmask_values()
    _restore_signal_handlers()
    reader = _Reader(options, secrets)
    reader.start()
    try:
        await reader.deliver(queue)
    finally:
        await reader.stop()


def _restore_signal_handlers() -> None:
    """Install the handlers of ansible-rulebook again, which the Java runtime has replaced.

    Otherwise Java ends the process at a signal, and the source cannot log out.
    """
    if threading.current_thread() is threading.main_thread():
        for number in _ENDING_SIGNALS:
            handler = signal.getsignal(number)
            if callable(handler):
                signal.signal(number, handler)


def _source_error(error: XapiError | InvalidOptions, secrets: Secrets) -> SourceError:
    return SourceError(bound_message(secrets.mask(describe_failure(error))))


class _Reader(threading.Thread):
    """Watches the pool in a thread, since the client blocks, and passes events to the loop.

    The thread never waits for the receiver of the events: the buffer between them is limited.
    """

    def __init__(self, options: SourceOptions, secrets: Secrets) -> None:
        super().__init__(name="xen.xapi.task_events", daemon=True)
        self._options = options
        self._secrets = secrets
        self._loop = asyncio.get_running_loop()
        self._buffer = EventBuffer(options.buffer_size, report_loss=write_loss)
        self._wake_up = asyncio.Event()
        self._has_ended = asyncio.Event()
        self._must_stop = threading.Event()
        self._error: Exception | None = None

    def run(self) -> None:
        callbacks = Callbacks(
            emit=self._emit,
            warn=lambda text: _LOGGER.warning("%s", bound_message(text)),
            stop=self._check,
            sleep=self._sleep,
            run_matching=self._run_in_loop,
        )
        try:
            emit_events(self._options, self._secrets, callbacks)
        except Exception as error:
            self._error = error
        finally:
            self._call(self._has_ended.set)
            self._call(self._wake_up.set)

    async def deliver(self, queue: asyncio.Queue[Any]) -> None:
        """Put events into the queue as they come; raise SourceError if the thread ends."""
        while True:
            await self._wake_up.wait()
            self._wake_up.clear()
            has_ended = self._has_ended.is_set()
            event = self._buffer.take()
            while event is not None:
                await queue.put(event)
                event = self._buffer.take()
            if has_ended:
                self._fail()

    async def stop(self) -> None:
        """Log out, and wait until that is done, even if this is cancelled again."""
        self._must_stop.set()
        while not self._has_ended.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self._has_ended.wait()

    def _fail(self) -> NoReturn:
        if isinstance(self._error, XapiError):
            raise _source_error(self._error, self._secrets) from None
        self._log_traceback()
        text = f"This is a defect of the collection xen.xapi, please report it: {self._error!r}"
        # The original error may contain secrets.
        raise SourceError(bound_message(self._secrets.mask(text))) from None

    def _log_traceback(self) -> None:
        if self._error is not None:
            lines = traceback.format_exception(
                type(self._error), self._error, self._error.__traceback__
            )
            for line in self._secrets.mask("".join(lines)).splitlines():
                _LOGGER.debug("%s", bound_message(line))

    def _emit(self, event: dict[str, Any]) -> None:
        if self._buffer.add(event):
            self._call(self._wake_up.set)

    def _call(self, function: Callable[[], None]) -> None:
        """Call a function in the thread of the loop, unless the loop has ended already."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)

    def _check(self) -> None:
        if self._must_stop.is_set():
            raise Interrupted("the end of the source")

    def _sleep(self, seconds: float) -> None:
        self._must_stop.wait(seconds)
        self._check()

    def _run_in_loop(self, work: Callable[[], None]) -> None:
        """Run work in the thread of the loop, in which Python can limit the time of a regex."""

        async def run() -> None:
            work()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result()


class _JsonLines:
    """A queue that prints each event as one line of JSON.

    A thread writes each line. While the output is not read, the write blocks, but the loop can
    still end the source; then the line is given up.
    """

    async def put(self, event: Mapping[str, Any]) -> None:
        loop = asyncio.get_running_loop()
        written = loop.create_future()
        line = json.dumps(event) + "\n"

        def settle(error: OSError | None) -> None:
            if written.done():
                return
            if error is None:
                written.set_result(None)
            else:
                written.set_exception(error)

        def write() -> None:
            error = _write(line.encode())
            # The loop may have ended.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, error)

        threading.Thread(target=write, daemon=True).start()
        await written


def _write(data: bytes) -> OSError | None:
    """Write to the standard output past its buffer, which Python would lock at exit."""
    try:
        while data:
            data = data[os.write(sys.stdout.fileno(), data) :]
    except OSError as error:
        return error
    return None


def _run_alone(arguments: list[str] | None = None) -> int:
    """Print events until a signal comes; return the exit status."""
    parser = argparse.ArgumentParser(
        description="Print the events of the tasks of a XAPI pool, one JSON object per line.",
        epilog="The connection can also come from the environment: XAPI_HOST, XAPI_PASSWORD, ….",
    )
    parser.add_argument(
        "options",
        nargs="*",
        metavar="NAME=VALUE | @FILE",
        help="an option of the event source, whose value is read as YAML, or a YAML file of them",
    )
    written = parser.parse_args(arguments).options
    logging.basicConfig(format="%(levelname)s: %(message)s", stream=sys.stderr)
    try:
        asyncio.run(_print_events(_read_options(written)))
    except SourceError as error:
        sys.stderr.write(f"ERROR: {error}\n")
        return 1
    except BrokenPipeError:
        return 1
    return 0


async def _print_events(options: Mapping[str, Any]) -> None:
    running = asyncio.ensure_future(main(_JsonLines(), options))  # type: ignore[arg-type]
    for number in _ENDING_SIGNALS:
        # Keep ignoring signals that the parent set to SIG_IGN, as nohup does.
        if signal.getsignal(number) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running


def _read_options(written: list[str]) -> dict[str, Any]:
    """Return the options of a command line; a secret may stand in a file only."""
    options: dict[str, Any] = {}
    for text in written:
        if text.startswith("@"):
            options.update(_read_file(text[1:]))
            continue
        name, equals, value = text.partition("=")
        if name in SECRET_OPTIONS:
            raise SourceError(
                f"argument '{name}' would be visible in the list of processes: put it into a file, "
                "or use the environment variable XAPI_PASSWORD."
            )
        if not equals:
            problem = "is not an option: write NAME=VALUE or @FILE."
            raise SourceError(f"{bound_message(text)!r} {problem}")
        options[name] = _parse_yaml(value, name)
    return options


def _read_file(path: str) -> dict[str, Any]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path!r} cannot be read: {error}.") from None
    options = _parse_yaml(text, path)
    if not isinstance(options, dict):
        raise SourceError(f"{path!r} does not contain a map of options in YAML.")
    return options


def _parse_yaml(text: str, source: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        # The error of PyYAML quotes the text, which may be a password.
        raise SourceError(f"{source!r} is not valid YAML.") from None


if __name__ == "__main__":
    sys.exit(_run_alone())
