# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.module_utils.common.parameters import remove_values

from ansible_collections.xen.xapi.plugins.module_utils._output import Module, occurs_in

TASK = {
    "name_label": 'backup of "web-1" ü',
    "progress": 0.25,
    "is_finished": True,
    "result": None,
    "error_info": ["OUT_OF_SPACE", "/var\\lib"],
    "other_config": {"owner": "someone"},
}


@pytest.mark.parametrize(
    ("secret", "occurs"),
    [
        ("backup", True),
        ('"web', True),
        ("ü", True),
        ("/var\\lib", True),
        ("0.2", True),
        ("25", True),
        ("3", True),
        ("someone", True),
        ("a long random password", False),
        # Ansible does not mask keys, true and null.
        ("name_label", False),
        ("owner", False),
        ("true", False),
        ("True", False),
        ("null", False),
        ("None", False),
        # Punctuation between values only exists in the JSON text.
        ('", "', False),
        ("u00fc", False),
        ("", False),
    ],
)
def test_finds_secrets_that_ansible_would_mask(secret, occurs):
    result = {"tasks": [TASK], "count": 3}
    assert occurs_in(result, {"not in it", secret}) is occurs
    masked = remove_values(result, {secret} - {""})
    assert (masked != result) is occurs


def test_finds_secret_in_result_that_json_cannot_encode():
    assert occurs_in({"it": {1, 2}, "at": (3, "secret"), (1, 2): object()}, {"secret"})


@pytest.fixture
def module(run):
    """A function that ends a module with a result or a failure."""

    def end(*, msg="", secret="", **returned):
        def main():
            module = Module(argument_spec={"it": {"type": "str", "choices": ["a"]}})
            module.no_log_values.add(secret)
            if msg:
                module.fail_json(msg=msg, **returned)
            module.exit_json(**returned)

        return run(main, {}, fails=bool(msg))

    return end


@pytest.mark.parametrize("msg", ["", "Task 'backup' failed."])
def test_warns_if_secret_occurs_in_result(module, msg):
    result = module(msg=msg, secret="backup", tasks=[TASK])
    (warning,) = result["warnings"]
    assert warning.startswith("The value of a secret option, such as the password, also occurs")
    assert "backup" not in warning
    assert result["tasks"][0]["name_label"].startswith("********")


def test_warns_if_secret_occurs_only_in_message(module):
    assert module(msg="No task matches backup.", secret="backup")["warnings"]


def test_does_not_warn_if_secret_is_not_in_result(module):
    assert module(secret="a long random password", tasks=[TASK])["warnings"] == []


def test_truncated_message_shows_no_part_of_secret(module):
    secret = "hunter2-hunter2-hunter2"
    for length in range(1930, 1990):
        msg = module(msg="x" * length + secret + "y" * 500, secret=secret)["msg"]
        assert "hunter" not in msg
        assert "hun" not in msg


def test_ansible_error_message_is_truncated_and_printable(run):
    def main():
        Module(argument_spec={"it": {"type": "str", "choices": ["a"]}})

    result = run(main, {"it": "x\x1b" * 100_000}, fails=True)
    assert result["msg"].startswith("value of it must be one of: a, got: x")
    assert len(result["msg"]) <= 2000
    assert result["msg"].isprintable()


def test_warning_is_truncated_and_printable(run):
    def main():
        module = Module(argument_spec={})
        module.warn("x\x1b" * 100_000)
        module.exit_json()

    (warning,) = run(main, {})["warnings"]
    assert len(warning) <= 2000
    assert warning.isprintable()
