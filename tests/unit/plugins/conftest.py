# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from unittest import mock

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xen.xapi.tests.support.collection import forget_the_network
from ansible_collections.xen.xapi.tests.support.fixtures import pool, start_pool
from ansible_collections.xen.xapi.tests.support.module_runner import patch_module_args

__all__ = ["pool", "run", "start_pool"]


@pytest.fixture(autouse=True)
def _no_settings_of_the_user():
    """Remove the user's environment, which names other pools and proxies."""
    with mock.patch.dict(os.environ):
        forget_the_network(os.environ)
        yield


@pytest.fixture
def run(capsys, monkeypatch):
    """Runs the main() of a module as Ansible does, and returns the result."""
    # Core collects warnings in other places in the controller's process than on a target.
    warnings = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _module, warning: warnings.append(warning))

    def run_main(main, options, *, fails=False):
        warnings.clear()
        with patch_module_args(options), pytest.raises(SystemExit) as ended:
            main()
        result = json.loads(capsys.readouterr().out)
        assert bool(ended.value.code) is fails, result
        return {**result, "warnings": list(warnings)}

    return run_main
