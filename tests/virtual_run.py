# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in for the edge to Ansible: a module's work, run on a pool in virtual time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.xen.xapi.plugins.module_utils._cancel_options import cancelling_spec
from ansible_collections.xen.xapi.plugins.module_utils._connection_options import connection_spec
from ansible_collections.xen.xapi.plugins.module_utils._selector_options import (
    selector_spec,
    status_spec,
)
from ansible_collections.xen.xapi.plugins.module_utils._session import Session
from ansible_collections.xen.xapi.plugins.module_utils._wait_options import waiting_spec
from ansible_collections.xen.xapi.plugins.modules import task_cancel, task_info, task_wait
from ansible_collections.xen.xapi.tests.virtual import VirtualPool, VirtualWire, virtual_session

SPECS: dict[str, dict[str, Any]] = {
    "task_info": {
        **connection_spec(),
        **selector_spec(),
        **status_spec(),
        **task_info.listing_spec(),
    },
    "task_wait": {**connection_spec(), **selector_spec(), **waiting_spec()},
    "task_cancel": {
        **connection_spec(),
        **selector_spec(),
        **status_spec(),
        **cancelling_spec(),
    },
}
WORK: dict[str, Callable[[Any], dict[str, Any]]] = {
    "task_info": task_info.list_tasks,
    "task_wait": task_wait.wait_for_tasks,
    "task_cancel": task_cancel.cancel_tasks,
}


def params_of(module: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options as Ansible hands them to a module."""
    checked = ArgumentSpecValidator(SPECS[module]).validate(options)
    assert not checked.error_messages
    return dict(checked.validated_parameters)


class VirtualRun:
    """What a module's work is given."""

    def __init__(
        self, module: str, options: dict[str, Any], pool: VirtualPool, wire: VirtualWire
    ) -> None:
        self.given = {"hostname": "xcp1", "password": pool.password, **options}
        self.params = params_of(module, self.given)
        self.check_mode = False
        self.clock: Callable[[], float] = pool.now
        self.sleep: Callable[[float], None] = pool.solo.advance
        self.warnings: list[str] = []
        self.warn = self.warnings.append
        self.so_far: Callable[[], dict[str, Any]] = dict
        self._pool, self._wire = pool, wire

    @contextlib.contextmanager
    def connect(self) -> Iterator[Session]:
        with virtual_session(self._wire, self._pool) as session:
            yield session
