# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The products whose hosts the simulator can imitate, as data."""

from __future__ import annotations

from typing import NamedTuple

from .api import CLASSES, age, declarations
from .values import Value


class Product(NamedTuple):
    """How a host of a product describes itself."""

    brand: str
    version: str
    """`product_version` of host.software_version."""
    platform: str
    platform_version: str
    xapi: str
    release: str
    """The release of the data model; newer fields and messages are not there."""
    linux: str
    xen: str
    tools: str
    """Name of the SR with the tools for guests."""
    edition: str
    has_old_json: bool = False
    """Whether JSON-RPC answers come in version 1.0 with an id of 0."""

    def software_version(self) -> dict[str, str]:
        """Return the answer of `host.get_software_version`."""
        short = ".".join(self.xapi.split(".")[:2])
        return {
            "product_version": self.version,
            "product_version_text": self.version,
            "product_version_text_short": ".".join(self.version.split(".")[:2]),
            "product_brand": self.brand,
            "platform_name": self.platform,
            "platform_version": self.platform_version,
            "build_number": "release/simulated",
            "hostname": "localhost",
            "date": "2026-01-01",
            "dbv": "0.0.1",
            "xapi": short,
            "xapi_build": self.xapi,
            "xen": self.xen,
            "linux": self.linux,
            "xencenter_min": "2.16",
            "xencenter_max": "2.21",
            "network_backend": "openvswitch",
            "db_schema": "5.780",
        }


PRODUCTS: dict[str, Product | None] = {
    "xcp-ng-8.3": Product(
        "XCP-ng", "8.3.0", "XCP", "3.4.0", "24.19.2", "24.19.1", "4.19.0+1", "4.17.5-3",
        "XCP-ng Tools", "xcp-ng",
    ),
    "xenserver-8": Product(
        "XenServer", "8.4.0", "XCP", "3.4.0", "25.6.0", "25.6.0", "4.19.0+1", "4.17.5-6",
        "XenServer Tools", "standard",
    ),
    "xenserver-7.1": Product(
        "XenServer", "7.1.2", "XCP", "2.3.0", "1.14.41", "ely", "4.4.0+10", "4.7.6-6.9",
        "XenServer Tools", "enterprise-per-socket", has_old_json=True,
    ),
    "bare": None,
}  # fmt: skip
"""Products by name; a bare build is the server that the recordings come from."""


def newer_fields(product: Product) -> dict[str, frozenset[str]]:
    """Return the fields of each class that came after the release of a product."""
    limit = age(product.release)
    return {
        name: frozenset(field for field, since in one.since.items() if age(since) > limit)
        for name, one in CLASSES.items()
    }


def newer_messages(product: Product) -> frozenset[str]:
    """Return the messages that came after the release of a product."""
    limit = age(product.release)
    return frozenset(one.name for one in declarations() if age(one.since) > limit)


CPU: dict[str, Value] = {
    "cpu_count": "16",
    "socket_count": "2",
    "threads_per_core": "2",
    "vendor": "GenuineIntel",
    "speed": "2400.000",
    "modelname": "Intel(R) Xeon(R) CPU E5-2630 v3 @ 2.40GHz",
    "family": "6",
    "model": "63",
    "stepping": "2",
    "flags": "fpu de tsc msr pae mce cx8 apic sep mca cmov pat clflush mmx fxsr sse sse2 ht",
    "features": "",
    "features_pv": "1789c3f5-f6f83203-2191cbf5-00000023-00000001-000007ab-00000000-00001000",
    "features_hvm": "1fcbfbff-f7fa3223-2d93fbff-00000423-00000001-000007ab-00000000-00001000",
    "features_hvm_host": "1fcbfbff-f7fa3223-2d93fbff-00000423-00000001-000007ab-00000000",
    "features_pv_host": "1789c3f5-f6f83203-2191cbf5-00000023-00000001-000007ab-00000000",
}
"""`host.cpu_info` of every host that is not of a bare build."""
