# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from collections import Counter
from typing import Iterator, Sequence

from .._errors import HostError, TlsFailed, XapiError
from .options import ConnectionOptions


def list_option_warnings(options: ConnectionOptions) -> Iterator[str]:
    """Yield a warning for each option that weakens the connection or is not used."""
    clear = [endpoint.url for endpoint in options.endpoints if endpoint.scheme == "http"]
    if clear:
        secret = "password" if options.session_ref is None else "session_ref"
        yield f"The {secret} is sent unencrypted to {', '.join(clear)}: use https."
    if options.ca_path and options.fingerprints:
        yield "ca_path is not used, since cert_fingerprint is given."
    elif options.ca_path and not options.validate_certs:
        yield "ca_path is not used, since validate_certs is false."


def list_session_warnings(
    *,
    skipped_errors: Sequence[HostError],
    logout_errors: Sequence[XapiError],
    unanswered_logins: int,
) -> Iterator[str]:
    """Yield a warning for each member that TLS failed with, and each session that may be left."""
    if skipped_errors or logout_errors:
        yield from _list_error_warnings(skipped_errors, logout_errors)
    if unanswered_logins:
        yield (
            f"Logins without a usable answer: {unanswered_logins}. Any sessions they opened "
            "stay until the server drops them, after a day without use."
        )


def _list_error_warnings(
    skipped_errors: Sequence[HostError], logout_errors: Sequence[XapiError]
) -> Iterator[str]:
    # Few runs have such errors, and a module run should start quickly.
    from .._messages import error_message

    for error in skipped_errors:
        if isinstance(error, TlsFailed):
            yield f"Another member was used. {error_message(error)}"
    # Ansible shows equal warnings once.
    for words, count in Counter(map(error_message, logout_errors)).items():
        times = "" if count == 1 else f" ({count} times)"
        yield f"The logout failed, so the session stays until the server drops it{times}: {words}"
