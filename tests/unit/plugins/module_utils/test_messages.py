# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils import _errors
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    CertificateUntrusted,
    FingerprintMismatch,
    HostError,
    NoHostAnswered,
    NothingSelected,
    OptionError,
    RequestTimedOut,
    XapiFailure,
)
from ansible_collections.xen.xapi.plugins.module_utils._messages import error_message
from ansible_collections.xen.xapi.tests.support.samples import URL, error_kinds, example_error

# These two are never raised themselves, and Ansible has its own message for a missing library.
UNEXPLAINED = (HostError, _errors.LibraryMissing)


@pytest.mark.parametrize("kind", sorted(set(error_kinds()) - set(UNEXPLAINED), key=str))
def test_every_error_has_complete_sentence(kind):
    sentence = error_message(example_error(kind))
    assert sentence.endswith((".", "?", ")"))
    assert "{" not in sentence
    if issubclass(kind, HostError):
        assert URL in sentence


OPTION_TO_MEND = {
    _errors.CertificateOutOfTime: "cert_fingerprint",
    _errors.CertificateUntrusted: "ca_path",
    _errors.CertificateWrongName: "hostname",
    _errors.ConnectionRefused: "port",
    _errors.FingerprintMismatch: "cert_fingerprint",
    _errors.GivenSessionLost: "session_ref",
    _errors.GivenSessionUnknown: "session_ref",
    _errors.HostUnreachable: "hostname",
    _errors.MasterAddressUnusable: "hostname",
    _errors.MasterElsewhere: "follow_master",
    _errors.MasterNotFound: "hostname",
    _errors.NameUnknown: "hostname",
    _errors.OtherPool: "pool_uuid",
    _errors.PortWithoutTls: "port",
    _errors.ProxyFailed: "no_proxy",
    _errors.RequestTimedOut: "request_timeout",
    _errors.TrustUnusable: "ca_path",
    _errors.UnexpectedAnswer: "port",
}


@pytest.mark.parametrize("kind", sorted(OPTION_TO_MEND, key=str))
def test_error_message_names_option_to_change(kind):
    assert OPTION_TO_MEND[kind] in error_message(example_error(kind))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            OptionError("uuid", value="x", problem="is not a valid UUID"),
            "argument 'uuid': 'x' is not a valid UUID.",
        ),
        (OptionError("password", problem="is empty"), "argument 'password' is empty."),
        (
            NothingSelected("uuid", "ref", problem=", or a filter"),
            "one of the following is required: uuid, ref, or a filter.",
        ),
        (
            _errors.InvalidResponse(URL, method="task.get_record", field="status"),
            (
                f"{URL} returned an invalid response to task.get_record (status): check for a "
                "proxy in between; otherwise please report it with the pool's version."
            ),
        ),
        (
            RequestTimedOut(URL, seconds=1.99734, by_overall_deadline=True),
            f"{URL} did not answer within 2 s: check hostname, port and the state of the host.",
        ),
        (
            _errors.ConnectionCut("http://xcp1:443"),
            (
                "The connection to http://xcp1:443 was closed before the answer was complete. "
                "An HTTPS port does that with http://: write https:// in hostname, or no scheme."
            ),
        ),
        (
            RequestTimedOut(URL, seconds=30.0),
            (
                f"{URL} did not answer within 30 s: "
                "check hostname, port and the state of the host, or raise request_timeout."
            ),
        ),
        (
            XapiFailure(URL, method="task.get_all", code="UUID_INVALID", params=["VM", "x"]),
            f"task.get_all failed on {URL}: There is no VM with the uuid x. (UUID_INVALID)",
        ),
        (
            XapiFailure(URL, method="login", code="HOST_STILL_BOOTING", params=[]),
            f"{URL} is still starting: try again, or list another member in hostname.",
        ),
        (
            XapiFailure(URL, method="a.b", code="RBAC_PERMISSION_DENIED", params=["a.b", "x"]),
            (
                f"{URL} denies a.b to this account. The role of the account lacks the permission "
                "a.b. Give an account with another role in username."
            ),
        ),
    ],
)
def test_error_message_has_exact_text(error, sentence):
    assert error_message(error) == sentence


def test_invalid_response_message_omits_empty_field():
    error = _errors.InvalidResponse(URL, method="task.get_all", field="")
    assert "returned an invalid response to task.get_all: check" in error_message(error)


def test_message_names_host_that_reported_master():
    error = RequestTimedOut(URL, seconds=30.0)
    error.reported_by = "https://xcp2"
    assert error_message(error).endswith(" (https://xcp2 names it as the pool's master.)")


def test_message_lists_every_failed_host():
    error = NoHostAnswered(
        [RequestTimedOut("https://a", seconds=1.0), RequestTimedOut("https://b", seconds=1.0)]
    )
    assert "https://a did not" in error_message(error)
    assert "https://b did not" in error_message(error)


def test_fingerprint_is_shown_ready_to_paste():
    error = CertificateUntrusted(URL, detail="self-signed certificate")
    assert "openssl" not in error_message(error)
    error.fingerprint = "AA:BB"
    lines = error_message(error).splitlines()
    assert lines[1] == 'cert_fingerprint: "AA:BB"'
    assert lines[2].endswith(
        "openssl x509 -noout -fingerprint -sha256 -in /etc/xensource/xapi-ssl.pem"
    )
    both = error_message(
        NoHostAnswered([error, error, RequestTimedOut(URL, seconds=1.0)])
    ).splitlines()
    assert both[1] == both[3] == lines[1]
    assert both[4].startswith(f"{URL} did not answer")
    assert both[4].endswith(lines[2])
    assert "\n".join(both).count(lines[2]) == 1


def test_mismatch_message_shows_expected_and_seen_fingerprints():
    sentence = error_message(FingerprintMismatch(URL, expected=["AA:11", "BB:22"], seen="CC:33"))
    assert "has the fingerprint CC:33" in sentence
    assert "AA:11 or BB:22" in sentence


def test_hosts_that_are_all_starting_share_one_sentence():
    booting = [
        XapiFailure(url, method="login", code="HOST_STILL_BOOTING", params=[])
        for url in ("https://a", "https://b")
    ]
    assert error_message(NoHostAnswered(booting)) == (
        "All 2 hosts in hostname are still starting (https://a, https://b): try again in a minute."
    )
    mixed = error_message(NoHostAnswered([booting[0], RequestTimedOut("https://b", seconds=1.0)]))
    assert mixed.startswith("None of the 2 hosts")


@pytest.mark.parametrize(
    "error",
    [
        _errors.XapiFailure(URL, method="task.cancel", code="MADE\x1b[2JUP", params=["\x07"]),
        _errors.UnexpectedAnswer(URL, status=200, content_type="text\x1b[2J"),
        _errors.MasterAddressUnusable(URL, address="\x1b[2J"),
        _errors.OtherPool(URL, expected="one", found="\u202eowt"),
        _errors.CertificateWrongName(URL, detail="for \x9b2J"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_host_text_is_escaped_in_messages(error):
    assert error_message(error).isprintable()


LONG = "x\x1b" * 150_000


def with_long_texts(kind):
    """Return an error of a class, with long text in all attributes."""
    error = example_error(kind)
    for name, value in vars(error).items():
        if isinstance(value, str):
            setattr(error, name, LONG)
        elif isinstance(value, tuple) and name in ("params", "expected"):
            setattr(error, name, (LONG,) * 50)
    if isinstance(error, HostError):
        error.reported_by = LONG
    return error


@pytest.mark.parametrize(
    "kind", sorted(set(error_kinds()) - {*UNEXPLAINED, NothingSelected}, key=str)
)
def test_message_is_bounded_for_any_error_content(kind):
    sentence = error_message(with_long_texts(kind))
    assert len(sentence) <= 2500
    assert sentence.replace("\n", "").isprintable()


@pytest.mark.parametrize("code", ["HOST_STILL_BOOTING", "A_NEW_CODE"])
def test_message_about_many_hosts_is_bounded(code):
    failure = XapiFailure(LONG, method="login", code=code, params=[LONG])
    assert len(error_message(NoHostAnswered([failure] * 1000))) <= 2000


def test_fingerprints_of_several_hosts_are_not_truncated():
    errors = [CertificateUntrusted(f"https://xcp{place}", detail="x") for place in range(9)]
    for error in errors:
        error.fingerprint = ":".join(["AB"] * 32)
    text = error_message(NoHostAnswered(errors))
    assert text.count(f'\ncert_fingerprint: "{errors[0].fingerprint}"\n') == 4
    assert "And 5 more. Before you trust it" in text
    assert len(text) <= 2000


@pytest.mark.parametrize("value", [LONG, [LONG], {"key": LONG}])
def test_long_option_value_is_truncated(value):
    problem = "is not a valid regular expression"
    text = error_message(OptionError("name_regex", value=value, problem=problem))
    assert len(text) <= 300
    assert text.isprintable()
    assert text.endswith("… is not a valid regular expression.")
