# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make .cache/demo-venv, the environment of the demo: ansible-core and requests.

The first run needs a package index; later runs do not use the network.
"""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "requirements-demo.txt"
BUNDLES = (
    ssl.get_default_verify_paths().openssl_cafile,
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)


def environments() -> Iterator[dict[str, str]]:
    """Yield the user's environment, and then one in which pip trusts the system's authorities.

    Before release 24.2, pip trusts only the authorities that it brings along.
    """
    # pip would leave a cache of these packages in the home directory.
    environ = {**os.environ, "PIP_NO_CACHE_DIR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    yield environ
    bundle = next((path for path in BUNDLES if Path(path).is_file()), None)
    if bundle:
        yield {**environ, "PIP_CERT": bundle}


def install(python: Path) -> bool:
    """Install the requirements, and show the output of pip only if that fails."""
    call = [str(python), "-m", "pip", "install", "--quiet", "--retries=1"]
    done = None
    for environ in environments():
        done = subprocess.run(
            [*call, "--requirement", str(REQUIREMENTS)],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return True
    assert done is not None
    print(done.stdout, file=sys.stderr)
    return False


def prepare(folder: Path) -> int:
    """Make the environment unless it is ready, and return an exit code."""
    ready = folder / f"ready-{sys.version_info.major}.{sys.version_info.minor}"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    python = folder / "bin" / "python"
    if python.exists() and ready.is_file() and ready.read_text(encoding="utf-8") == wanted:
        return 0
    shown = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
    print(f"Installing ansible-core and requests into {shown} (once, 75 MB) …", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        venv.create(folder, with_pip=True)
    except subprocess.CalledProcessError:
        hint = "On Debian and Ubuntu, install the package python3-venv."
        print(f"Python cannot create a virtual environment. {hint}", file=sys.stderr)
        return 2
    if not install(python):
        hint = "The first run needs a package index, that is, the network or a mirror."
        print(f"ansible-core and requests could not be installed. {hint}", file=sys.stderr)
        return 2
    ready.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(prepare(ROOT / ".cache" / "demo-venv"))
