# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules start quickly: they do not import at the start what few runs need."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ansible_collections.xen.xapi.tests.support.module_runner import MODULES, PACKAGE

UTILS = f"{PACKAGE.rpartition('.')[0]}.module_utils"
ONLY_FOR_FAILURES = {
    f"{UTILS}.{name}"
    for name in (
        "_client.tls_errors",
        "_error_descriptions",
        "_error_descriptions_rare",
        "_short_failures",
    )
}
NOT_FOR_LISTINGS = {
    f"{UTILS}.{name}" for name in ("_messages", "_tasks.literal_regexes", "_tasks.objects")
}


@pytest.mark.parametrize("module", MODULES)
def test_module_starts_without_files_that_few_runs_need(module):
    program = f"import sys, {PACKAGE}.{module}; print(*sys.modules)"
    imported = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert f"{PACKAGE}.{module}" in imported
    assert ONLY_FOR_FAILURES.isdisjoint(imported)
    if module == "task_info":
        assert NOT_FOR_LISTINGS.isdisjoint(imported)
    if module == "call":
        assert [name for name in imported if name.startswith(f"{UTILS}._wait")] == []
