# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._output import Module


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
