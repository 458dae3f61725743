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
        # Ansible leaves keys, true and null alone.
        ("name_label", False),
        ("owner", False),
        ("true", False),
        ("True", False),
        ("null", False),
        ("None", False),
        # What stands between values is of the writing alone.
        ('", "', False),
        ("u00fc", False),
        ("", False),
    ],
)
def test_secrets_are_found_where_ansible_masks_them(secret, occurs):
    result = {"tasks": [TASK], "count": 3}
    assert occurs_in(result, {"not in it", secret}) is occurs
    masked = remove_values(result, {secret} - {""})
    assert (masked != result) is occurs


def test_a_result_that_json_does_not_know_is_no_reason_to_fail():
    assert occurs_in({"it": {1, 2}, "at": (3, "secret"), (1, 2): object()}, {"secret"})


@pytest.fixture
def module(run):
    """Ends a module with a result, or with a failure."""

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
def test_warns_if_a_secret_occurs_in_the_results(module, msg):
    result = module(msg=msg, secret="backup", tasks=[TASK])
    (warning,) = result["warnings"]
    assert warning.startswith("The value of a secret option, such as the password, also occurs")
    assert "backup" not in warning
    assert result["tasks"][0]["name_label"].startswith("********")


def test_warns_of_a_secret_in_the_message_alone(module):
    assert module(msg="No task matches backup.", secret="backup")["warnings"]


def test_does_not_warn_without_a_secret_in_the_results(module):
    assert module(secret="a long random password", tasks=[TASK])["warnings"] == []


def test_no_part_of_a_secret_is_shown_where_a_message_is_cut(module):
    secret = "hunter2-hunter2-hunter2"
    for length in range(1930, 1990):
        msg = module(msg="x" * length + secret + "y" * 500, secret=secret)["msg"]
        assert "hunter" not in msg
        assert "hun" not in msg


def test_a_message_of_ansible_is_bounded(run):
    def main():
        Module(argument_spec={"it": {"type": "str", "choices": ["a"]}})

    result = run(main, {"it": "x\x1b" * 100_000}, fails=True)
    assert result["msg"].startswith("value of it must be one of: a, got: x")
    assert len(result["msg"]) <= 2000
    assert result["msg"].isprintable()


def test_a_warning_is_bounded(run):
    def main():
        module = Module(argument_spec={})
        module.warn("x\x1b" * 100_000)
        module.exit_json()

    (warning,) = run(main, {})["warnings"]
    assert len(warning) <= 2000
    assert warning.isprintable()
