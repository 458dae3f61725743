# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documented check mode, diff mode and idempotence are true."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.xen.xapi.plugins.doc_fragments.attributes import ModuleDocFragment
from ansible_collections.xen.xapi.plugins.modules import call, task_cancel, task_info, task_wait
from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.samples import LONG_AGO

MODULES = {"info": task_info, "wait": task_wait, "cancel": task_cancel, "call": call}
OF_A_SESSION = {"session.login_with_password", "session.logout", "event.from"}
CHECK, DIFF = {"_ansible_check_mode": True}, {"_ansible_diff": True}


def claims(module):
    """The support that a module claims, by attribute."""
    found = {}
    for fragment in yaml.safe_load(MODULES[module].DOCUMENTATION)["extends_documentation_fragment"]:
        if fragment.startswith("xen.xapi.attributes"):
            part = fragment.removeprefix("xen.xapi.attributes").lstrip(".").upper()
            text = getattr(ModuleDocFragment, part or "DOCUMENTATION")
            attributes = yaml.safe_load(text)["attributes"]
            found.update({name: value["support"] for name, value in attributes.items()})
    return found


def is_write(method):
    return method not in OF_A_SESSION and not method.rpartition(".")[2].startswith("get_")


@pytest.mark.parametrize("module", ["info", "wait"])
@pytest.mark.parametrize("mode", [{}, CHECK, DIFF], ids=["", "check", "diff"])
def test_info_and_wait_behave_as_attributes_claim(request, pool, module, mode):
    assert claims(module) == {
        "action_group": "full",
        "check_mode": "full",
        "diff_mode": "N/A",
        "idempotent": "full",
    }
    run = request.getfixturevalue(module)
    ref = pool.add_task("Async.VM.copy", life=Life(duration=0.2))
    results = [run(ref=ref, **mode) for _time in range(2)]
    assert [(result["changed"], "diff" in result) for result in results] == [(False, False)] * 2
    assert not [call.method for call in pool.log if is_write(call.method)]


def test_cancel_behaves_as_attributes_claim(pool, cancel):
    assert set(claims("cancel").values()) == {"full"}
    ref = pool.add_task("Async.VM.copy", created=LONG_AGO, life=Life(duration=None))
    predicted = cancel(ref=ref, **CHECK, **DIFF)
    assert not [call.method for call in pool.log if is_write(call.method)]
    done, again = cancel(ref=ref, **DIFF), cancel(ref=ref, **DIFF)
    assert [one["changed"] for one in (predicted, done, again)] == [True, True, False]
    assert predicted["diff"] == done["diff"]
    assert done["diff"]["before"] != done["diff"]["after"]
    assert again["diff"]["before"] == again["diff"]["after"]


def test_call_behaves_as_attributes_claim(pool, call):
    assert claims("call") == {
        "action_group": "full",
        "check_mode": "full",
        "diff_mode": "none",
        "idempotent": "none",
    }
    pool.operations.lives["VM.snapshot"] = Life(duration=0.1)
    options = {"method": "VM.snapshot", "args": [pool.find("VM", "web-1"), "x"]}
    predicted = call(**options, **CHECK, **DIFF)
    assert not [one.method for one in pool.log if is_write(one.method)]
    results = [predicted, call(**options, **DIFF), call(**options)]
    assert [(one["changed"], "diff" in one) for one in results] == [(True, False)] * 3
    assert len(pool.log.of("Async.VM.snapshot")) == 2
