# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make this checkout known to Ansible as xen.xapi, with any name of its folder."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

# Not resolved: a link named ansible_collections/xen/xapi has to keep that name.
ROOT = Path(__file__).absolute().parents[2]
NETWORK = ("all_proxy", "http_proxy", "https_proxy", "curl_ca_bundle", "requests_ca_bundle")


def collections_path() -> Path:
    """The folder that holds ansible_collections/xen/xapi, made of one link where there is none."""
    if ROOT.parts[-3:] == ("ansible_collections", "xen", "xapi"):
        return ROOT.parents[2]
    base = ROOT / ".cache" / "collections"
    link = base / "ansible_collections" / "xen" / "xapi"
    link.parent.mkdir(parents=True, exist_ok=True)
    # Test processes start side by side, and any of them may be the first. The target is relative,
    # so that a checkout that is moved stays whole.
    with contextlib.suppress(FileExistsError):
        link.symlink_to("../../../..", target_is_directory=True)
    return base


def use_this_collection(environ: MutableMapping[str, str]) -> None:
    """Ansible of this interpreter, with this collection and no settings of the user's."""
    for name in [name for name in environ if name.startswith("ANSIBLE_")]:
        del environ[name]
    environ["ANSIBLE_COLLECTIONS_PATH"] = str(collections_path())
    environ["ANSIBLE_CONFIG"] = str(ROOT / "tests" / "ansible.cfg")
    home = ROOT / ".cache" / "ansible"
    environ["ANSIBLE_HOME"] = str(home)
    # These two are of the host that a module runs on, where Ansible asks for no home of its own.
    environ["ANSIBLE_ASYNC_DIR"] = str(home / "async")
    environ["ANSIBLE_REMOTE_TMP"] = str(home / "remote")
    environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environ["PATH"]])


def forget_the_network(environ: MutableMapping[str, str]) -> None:
    """Remove the user's pools and proxies, so that only the simulator on loopback is left."""
    for name in list(environ):
        if name.startswith(("XAPI_", "XENSERVER_")) or name.lower() in NETWORK:
            del environ[name]
