# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tests of everything that touches requests, with the oldest release that we say we support."""

from __future__ import annotations

import subprocess
import sys

from virtualenvs import ROOT, TESTS_NEED, environment, pins

TESTS = (
    "tests/unit/plugins/module_utils/_client/test_tls.py",
    "tests/unit/plugins/module_utils/_client/test_session.py",
    "tests/unit/plugins/module_utils/_client/test_transport.py",
    "tests/unit/plugins/module_utils/_client/test_transport_proxy.py",
    "tests/unit/plugins/module_utils/_client/test_transport_tls.py",
    "tests/unit/plugins/modules/test_connection.py",
    "tests/unit/plugins/modules/test_replaced_tls.py",
)


def lowest() -> list[str]:
    """The bounds of requirements.txt, each as the one release that just meets it."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [line.replace(">=", "==") for line in lines if ">=" in line]


def main() -> int:
    needed = [*lowest(), *pins(["ansible-core", "pyopenssl", "truststore", *TESTS_NEED])]
    python = environment("lower-bounds", sys.executable, needed)
    print(f"With {', '.join(lowest())}", flush=True)
    test = [str(python), "-m", "pytest", "--quiet", "--numprocesses=2", *TESTS]
    return subprocess.run(test, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
