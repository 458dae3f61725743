# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run modules: only their work, their main() in the process of a test, or a process."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ansible.module_utils import basic
from ansible.module_utils.ansible_release import __version__
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.xen.xapi.plugins.module_utils._client.session import Session
from ansible_collections.xen.xapi.plugins.module_utils._progress import ProgressWriter
from ansible_collections.xen.xapi.plugins.modules import call, task_cancel, task_info, task_wait
from ansible_collections.xen.xapi.tests.simulator import Simulator

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:
    # ansible-core 2.18 has no such function.
    @contextlib.contextmanager
    def patch_module_args(module_args: dict[str, Any]) -> Iterator[None]:
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": module_args}).encode()
        try:
            yield
        finally:
            basic._ANSIBLE_ARGS = None


__all__ = ["SPECS", "WORK", "ModuleRun", "by_core", "patch_module_args", "start_module_process"]
CORE = tuple(int(part) for part in __version__.split(".")[:2])
PACKAGE = "ansible_collections.xen.xapi.plugins.modules"
MODULES = {
    "task_info": task_info,
    "task_wait": task_wait,
    "task_cancel": task_cancel,
    "call": call,
}
SPECS: dict[str, dict[str, Any]] = {
    name: module.argument_spec() for name, module in MODULES.items()
}
WORK: dict[str, Callable[[Any], dict[str, Any]]] = {
    "task_info": task_info.list_tasks,
    "task_wait": task_wait.wait_for_tasks,
    "task_cancel": task_cancel.cancel_tasks,
    "call": call.call_method,
}


def by_core(words: str, *, of_2_18: str) -> str:
    """Return the error for a null: ansible-core 2.18 refuses it before the module does."""
    return words if CORE > (2, 18) else of_2_18


def parsed_params(module: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options as Ansible passes them to a module."""
    checked = ArgumentSpecValidator(SPECS[module]).validate(options)
    assert not checked.error_messages
    return dict(checked.validated_parameters)


class ModuleRun:
    """The arguments of a module's work, in place of a Run; the work itself is the module's."""

    def __init__(
        self,
        module: str,
        options: dict[str, Any],
        connect: Callable[[], Session],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.raw_params = {"hostname": "xcp1", "password": "secret", **options}
        self.params = parsed_params(module, self.raw_params)
        self.connect = connect
        self.clock = clock
        self.sleep = sleep
        self.check_mode = False
        self.warnings: list[str] = []
        self.warn = self.warnings.append
        self.progress = ProgressWriter(None)
        self.partial_result: Callable[[], dict[str, Any]] = dict
        self._module = module

    def work(self) -> dict[str, Any]:
        return WORK[self._module](self)


def start_module_process(
    folder: Path,
    module: str,
    pool: Simulator,
    options: dict[str, Any],
    *,
    name: str = "one",
    libraries: tuple[Path, ...] = (),
) -> subprocess.Popen[str]:
    """Start a module as Ansible does: a process, arguments in a file, the result on stdout.

    Its temporary files are in the subfolder tmp. Python imports first from the folders in
    libraries, including a sitecustomize.py.
    """
    (folder / "tmp").mkdir(exist_ok=True)
    arguments = folder / f"{name}.json"
    connection = {"hostname": pool.url, "password": pool.password}
    arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": {**connection, **options}}))
    path = [*map(str, libraries), os.environ["ANSIBLE_COLLECTIONS_PATH"]]
    return subprocess.Popen(
        [sys.executable, "-m", f"{PACKAGE}.{module}", str(arguments)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path),
            "TMPDIR": str(folder / "tmp"),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
