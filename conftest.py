# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let `pytest` run from any checkout; ansible-test has its own loader and needs no change."""

from __future__ import annotations

import os
import signal
import sys


def _use_checkout() -> None:
    if any(type(finder).__name__ == "_AnsibleCollectionFinder" for finder in sys.meta_path):
        return

    from tests.support.collection import collections_path, forget_the_network, use_this_collection

    use_this_collection(os.environ)
    forget_the_network(os.environ)
    # Only now: Ansible reads its configuration when it is first imported.
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader([str(collections_path())])


_use_checkout()
# A shell makes background processes ignore interrupts, and nohup makes them ignore hangups. Child
# processes inherit that, and modules keep ignoring such signals.
for number, handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, lambda _number, _frame: None),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)
