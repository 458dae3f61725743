# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import signal

from ansible_collections.xen.xapi.tests.support.polling import wait_until
from ansible_collections.xen.xapi.tests.support.samples import (
    ENDLESS,
    LONG_AGO,
    NO_UUID,
    UNCANCELLABLE,
)


def test_cancel_playbook_sends_no_cancel_to_other_tasks(start_pool, play):
    pool = start_pool(collects=False)
    pair = [pool.add_task("pair", created=LONG_AGO, life=ENDLESS) for _number in range(2)]
    bystander = pool.add_task("bystander", created=LONG_AGO, life=ENDLESS)
    play(
        "cancel",
        pool_url=pool.url,
        pool_password=pool.password,
        no_uuid=NO_UUID,
        honours=pool.add_task("Async.VM.copy", life=ENDLESS),
        uncancellable=pool.add_task("Async.VM.copy", life=UNCANCELLABLE),
        ended=pool.add_task("Async.VM.copy", status="failure"),
        orphan=pool.add_task("backup", created=LONG_AGO, life=ENDLESS),
    )
    asked = {call.params[0] for call in pool.log.of("task.cancel")}
    assert asked.isdisjoint([*pair, bystander])


def test_no_cancel_is_sent_after_interrupt(pool, start_play):
    refs = [pool.add_task("Async.VM.copy", life=ENDLESS) for _number in range(50)]
    pool.fail("task.cancel", delay=1.0, count=None)
    options = {"hostname": pool.url, "password": pool.password, "ref": refs}
    process = start_play(options, module="task_cancel")
    assert wait_until(lambda: pool.log.of("task.cancel"), within=60)
    process.send_signal(signal.SIGINT)
    assert wait_until(lambda: not pool.sessions(), within=60)
    sent = len(pool.log.of("task.cancel"))
    assert sent < len(refs)
    process.wait()
    assert len(pool.log.of("task.cancel")) == sent
    assert [call.method for call in pool.log][-1] == "session.logout"
