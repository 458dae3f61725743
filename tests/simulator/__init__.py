# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A XAPI server for tests and demos, with the standard library alone. See README.md beside this
file."""

from __future__ import annotations

# isort: off
from . import minimum_python

# isort: on
from .clock import RealClock, VirtualClock
from .lifecycle import Life
from .server import Simulator

__all__ = ["Life", "RealClock", "Simulator", "VirtualClock", "minimum_python"]
