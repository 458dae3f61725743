# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils import _errors
from ansible_collections.xen.xapi.plugins.module_utils._errors import plain_words, redacted


@pytest.mark.parametrize("code", sorted(_errors._PLAIN_WORDS))
@pytest.mark.parametrize("params", [[], ["one"], ["1", "2", "3", "4", "5", "6"]])
def test_every_code_has_a_sentence_whatever_the_server_says_to_it(code, params):
    sentence = plain_words(code, params)
    assert sentence.endswith(".")
    assert "{" not in sentence
    assert code not in sentence


@pytest.mark.parametrize(
    ("code", "params", "sentence"),
    [
        ("UUID_INVALID", ["VM", "abc"], "There is no VM with the uuid abc."),
        ("UUID_INVALID", ["VM"], "There is no VM with the uuid (not said)."),
        ("INVALID_VALUE", ["{0} {braces}"], "The server does not accept the value {0} {braces}."),
        ("A_NEW_CODE", ["a", "b"], "A_NEW_CODE: a, b"),
        ("A_NEW_CODE", [], "A_NEW_CODE"),
    ],
)
def test_plain_words(code, params, sentence):
    assert plain_words(code, params) == sentence


@pytest.mark.parametrize(
    ("code", "params", "secrets", "hidden"),
    [
        ("SESSION_INVALID", ["OpaqueRef:1"], [], ["(hidden)"]),
        ("SESSION_INVALID", [], [], []),
        ("INTERNAL_ERROR", ["got OpaqueRef:1 here"], ["OpaqueRef:1"], ["got (hidden) here"]),
        ("INTERNAL_ERROR", ["a", "b"], ["a", "b"], ["(hidden)", "(hidden)"]),
        ("INTERNAL_ERROR", ["kept"], [""], ["kept"]),
        ("HANDLE_INVALID", ["task", "OpaqueRef:2"], ["OpaqueRef:1"], ["task", "OpaqueRef:2"]),
    ],
)
def test_secrets_are_hidden(code, params, secrets, hidden):
    assert redacted(code, params, secrets=secrets) == hidden
