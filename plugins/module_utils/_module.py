# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import signal
import traceback
from contextlib import contextmanager
from types import FrameType
from typing import Any, Callable, Iterator, Mapping, Sequence

from ansible.module_utils import basic

from ._errors import (
    AnswerTooLarge,
    CertificateUntrusted,
    CertificateWrongName,
    ConnectionCut,
    ConnectionRefused,
    HostError,
    HostUnreachable,
    Interrupted,
    LibraryMissing,
    MasterNotFound,
    NameUnknown,
    NoHostAnswered,
    OptionError,
    ProxyFailed,
    RequestFailed,
    RequestTimedOut,
    TlsFailed,
    TrustUnusable,
    UnexpectedAnswer,
    XapiError,
    XapiFailure,
    plain_words,
)
from ._options import connection_of
from ._session import Session
from ._transport import Transport


class Run:
    """One run of a module: its options, and the way to the pool."""

    def __init__(self, module: basic.AnsibleModule, *, given: Mapping[str, Any]) -> None:
        """What is given is what the task wrote: in params, a null looks like a missing option."""
        self._module = module
        self._signals = _Signals()
        self.params: Mapping[str, Any] = module.params
        self.given = given

    @contextmanager
    def connect(self) -> Iterator[Session]:
        """A session that is logged out however the block ends, by a signal too."""
        options = connection_of(self.params, given=self.given)
        clear = [endpoint.url for endpoint in options.endpoints if endpoint.scheme == "http"]
        if clear:
            self._module.warn(f"The password travels in clear to {', '.join(clear)}: use https.")
        if options.ca_path and not options.validate_certs:
            self._module.warn("ca_path is not used, since validate_certs is false.")
        transport = Transport(
            validate_certs=options.validate_certs,
            ca_path=options.ca_path,
            stop=self._signals.check,
        )
        session = Session(
            transport,
            endpoints=options.endpoints,
            username=options.username,
            password=options.password,
            keep_secret=self._module.no_log_values.add,
        )
        try:
            with self._signals, session:
                yield session
        finally:
            if session.logout_error is not None:
                self._module.warn(
                    f"The logout failed, so the session stays until the server drops it: "
                    f"{explain(session.logout_error)}"
                )


def run_module(
    work: Callable[[Run], dict[str, Any]],
    *,
    argument_spec: dict[str, dict[str, Any]],
    mutually_exclusive: Sequence[Sequence[str]] = (),
) -> None:
    """Build the module, do the work, and end with what it returns or with what went wrong."""
    module = basic.AnsibleModule(
        argument_spec=argument_spec,
        mutually_exclusive=mutually_exclusive,
        supports_check_mode=True,
    )
    try:
        result = work(Run(module, given=basic._load_params()))
    except XapiFailure as failure:
        error = {
            "code": failure.code,
            "params": failure.params,
            "message": plain_words(failure.code, failure.params),
        }
        module.fail_json(msg=explain(failure), error=error)
    except LibraryMissing as missing:
        module.fail_json(msg=basic.missing_required_lib(missing.library), exception=missing.details)
    except XapiError as error:
        module.fail_json(msg=explain(error))
    except Exception as error:
        module.fail_json(
            msg=f"This is a defect of the collection xen.xapi, please report it: {error!r}",
            exception=traceback.format_exc(),
        )
    module.exit_json(**result)


class _Signals:
    """Keeps SIGTERM and SIGINT for the next moment at which stopping leaves no session behind."""

    def __init__(self) -> None:
        self._received = ""
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._keep)

    def __exit__(self, *_details: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _keep(self, number: int, _frame: FrameType | None) -> None:
        self._received = signal.Signals(number).name

    def check(self) -> None:
        if self._received:
            raise Interrupted(self._received)


_SENTENCES: dict[type[XapiError], str] = {
    AnswerTooLarge: "The answer of {url} is longer than {limit} bytes; nothing of it was used.",
    CertificateUntrusted: (
        "The certificate of {url} is not signed by a trusted authority ({detail}): "
        "give the authority's certificate, or the host's own, in ca_path."
    ),
    CertificateWrongName: (
        "The certificate of {url} is for another name ({detail}): "
        "write the name of the certificate in hostname."
    ),
    ConnectionCut: "The connection to {url} was closed before the answer was complete.",
    ConnectionRefused: (
        "{url} refused the connection: is XAPI running there, and are hostname and port right?"
    ),
    HostUnreachable: (
        "{url} cannot be reached ({detail}): check hostname and the network between here and there."
    ),
    Interrupted: "Stopped by {signal}.",
    MasterNotFound: (
        "{url} names a pool master that is none, and so do the hosts after it: "
        "wait until the pool has a master again, or check hostname."
    ),
    NameUnknown: "The name in {url} is not known to the name service: check hostname.",
    ProxyFailed: (
        "The proxy that the environment sets does not lead to {url} ({detail}): "
        "check the variables https_proxy, http_proxy and no_proxy."
    ),
    RequestFailed: "The request to {url} could not be made ({detail}): check hostname and port.",
    RequestTimedOut: (
        "{url} did not answer within {seconds:g} s: check hostname, port and how the host is."
    ),
    TlsFailed: (
        "No TLS connection to {url} ({detail}): is this the HTTPS port? Check hostname and port."
    ),
    TrustUnusable: (
        "{source} names {path}, which cannot be used ({detail}): "
        "it must be a file of PEM certificates, or a directory of them with OpenSSL's hash names."
    ),
    UnexpectedAnswer: (
        "{url} answers, but not as XAPI does (HTTP status {status}, {content_type!r}): "
        "check hostname and port."
    ),
}
_FAILURE_SENTENCES = {
    "HOST_STILL_BOOTING": "{url} is still starting: try again, or list another member in hostname.",
    "RBAC_PERMISSION_DENIED": (
        "{url} denies {method} to this account. {words} "
        "Give an account with another role in username."
    ),
    "SESSION_AUTHENTICATION_FAILED": (
        "{url} does not let the account in. {words} Check username and password."
    ),
}
_ANY_FAILURE_SENTENCE = "{method} failed on {url}: {words} ({code})"


def explain(error: XapiError) -> str:
    """What went wrong, in words for the one who wrote the playbook."""
    if isinstance(error, OptionError):
        value = "" if error.value is None else f": {error.value!r}"
        return f"{error.option}{value} {error.problem}."
    if isinstance(error, NoHostAnswered):
        sentences = " ".join(explain(attempt) for attempt in error.attempts)
        return f"None of the {len(error.attempts)} hosts in hostname could be used. {sentences}"
    if isinstance(error, XapiFailure):
        template = _FAILURE_SENTENCES.get(error.code, _ANY_FAILURE_SENTENCE)
        sentence = template.format(**vars(error), words=plain_words(error.code, error.params))
    else:
        sentence = _SENTENCES[type(error)].format(**vars(error))
    if isinstance(error, HostError) and error.named_by is not None:
        sentence += f" ({error.named_by} names it as the pool's master.)"
    return sentence
