# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import NamedTuple

from .._errors import OtherPool
from . import schema
from .jsonrpc import Rpc


class Pool(NamedTuple):
    """The pool that a session belongs to; master is the name label of its master host."""

    uuid: str
    name_label: str
    master: str
    master_ref: str

    def to_dict(self) -> dict[str, str]:
        """Return the pool for the result of a module, without the reference."""
        return {"uuid": self.uuid, "name_label": self.name_label, "master": self.master}


def identify_pool(rpc: Rpc, ref: str, *, expected_uuid: str | None) -> Pool:
    """Read which pool a host belongs to, in the session ref.

    Raises OtherPool if the uuid of the pool is not the expected one.
    """
    url = rpc.endpoint.url
    method = "pool.get_all_records"
    answer = rpc.call(method, [ref], secrets=[ref])
    record = schema.validate(schema.pool, answer, url=url, method=method)
    uuid = record["uuid"]
    if expected_uuid and uuid != expected_uuid:
        raise OtherPool(url, expected=expected_uuid, found=uuid)
    master = record["master"]
    method = "host.get_name_label"
    answer = rpc.call(method, [ref, master], secrets=[ref])
    name = schema.validate(schema.text, answer, url=url, method=method)
    return Pool(uuid, record["name_label"], name, master)
