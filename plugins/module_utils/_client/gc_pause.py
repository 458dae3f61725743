# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import Iterator


@contextmanager
def pause_gc() -> Iterator[None]:
    """Python's search for cycles is off in the block, which is to build much and drop nothing.

    A long listing is so many containers that the search would take as long as the parsing.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
