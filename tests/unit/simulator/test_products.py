# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pools of products: their objects, and missing fields of old releases."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator, plan
from ansible_collections.xen.xapi.tests.simulator.products import PRODUCTS
from ansible_collections.xen.xapi.tests.unit.simulator.client import NULL, Client, Connect, Start

SHIPPED = [name for name, product in PRODUCTS.items() if product]


@pytest.fixture(params=SHIPPED[:2])
def lab(request: pytest.FixtureRequest, start: Start) -> Simulator:
    """A pool of two hosts of a product."""
    return start(product=request.param, supporters=1)


@pytest.fixture
def root(lab: Simulator, connect: Connect) -> Client:
    return connect(lab)


@pytest.mark.parametrize(
    ("name", "brand", "version"),
    [
        ("xcp-ng-8.3", "XCP-ng", "8.3.0"),
        ("xenserver-8", "XenServer", "8.4.0"),
        ("xenserver-7.1", "XenServer", "7.1.2"),
        ("bare", None, None),
    ],
)
def test_hosts_name_their_product(
    start: Start, name: str, brand: str | None, version: str | None
) -> None:
    simulator = start(product=name)
    found = simulator.database.read("host", simulator.master_ref)["software_version"]
    assert (found.get("product_brand"), found.get("product_version")) == (brand, version)
    assert found["xapi"]


def test_every_reference_in_a_pool_exists(lab: Simulator) -> None:
    known = {ref for table in lab.database.tables.values() for ref in table.rows}
    missing = [
        (name, field, value)
        for name in lab.database.tables
        for record in lab.database.records(name).values()
        for field, values in record.items()
        for value in (values if isinstance(values, list) else [values])
        if isinstance(value, str) and value.startswith("OpaqueRef:")
        if value not in known and value != NULL
    ]
    assert missing == []


def test_hosts_have_memory_processors_storage_and_control_domain(
    lab: Simulator, root: Client
) -> None:
    for host in root("host.get_all_records").values():
        domain = root("VM.get_record", host["control_domain"])
        assert (domain["is_control_domain"], domain["domid"]) == (True, 0)
        assert domain["allowed_operations"] == []
        assert root("host_metrics.get_memory_total", host["metrics"]) > 0
        assert len(host["host_CPUs"]) == int(host["cpu_info"]["cpu_count"])
        assert host["license_params"]["sku_type"]
        assert all(root("PBD.get_currently_attached", pbd) for pbd in host["PBDs"])
        (pif,) = host["PIFs"]
        assert root("PIF.get_IP", pif) == host["address"]


def test_pool_has_default_storage_and_templates(lab: Simulator, root: Client) -> None:
    storage = root("pool.get_default_SR", lab.inventory.pool)
    assert root("SR.get_shared", storage) is True
    templates = [vm for vm in root("VM.get_all_records").values() if vm["is_a_template"]]
    assert len(templates) == 2
    assert all("provision" in vm["allowed_operations"] for vm in templates)


def test_running_vm_has_devices_guest_metrics_and_console(lab: Simulator, root: Client) -> None:
    vm = root("VM.get_record", lab.find("VM", "web-1"))
    assert vm["domid"] > 0
    assert "start" not in vm["allowed_operations"]
    assert "clean_shutdown" in vm["allowed_operations"]
    disk, drive = (root("VBD.get_record", vbd) for vbd in sorted(vm["VBDs"], key=lab_order(root)))
    assert (disk["type"], disk["currently_attached"]) == ("Disk", True)
    assert (drive["type"], drive["empty"]) == ("CD", True)
    assert root("VIF.get_currently_attached", vm["VIFs"][0]) is True
    assert root("VM_guest_metrics.get_networks", vm["guest_metrics"])["0/ip"]
    assert root("console.get_protocol", vm["consoles"][0]) == "rfb"


def lab_order(root: Client):  # type: ignore[no-untyped-def]
    """Return the key that sorts devices by their place."""
    return lambda vbd: int(root("VBD.get_userdevice", vbd))


def test_evacuation_is_possible_on_shared_storage(lab: Simulator, root: Client) -> None:
    assert root("host.get_vms_which_prevent_evacuation", lab.master_ref) == {}


def test_vm_on_local_storage_prevents_evacuation(start: Start, connect: Connect) -> None:
    vms = [plan.PlannedVM("pinned", "Running", sr="Local storage")]
    lab = start(product="xcp-ng-8.3", supporters=1, plan=plan.Plan(vms=vms))
    vm = lab.find("VM", "pinned")
    found = connect(lab)("host.get_vms_which_prevent_evacuation", lab.master_ref)
    assert found[vm][:2] == ["VM_REQUIRES_SR", vm]


def test_old_release_lacks_newer_fields_and_messages(start: Start) -> None:
    simulator = start(product="xenserver-7.1")
    client = Client(simulator.url)
    answer = client.document("session.login_with_password", "root", "xapi-secret", "1.0", "x")
    assert answer["id"] == 0
    session = answer["result"]
    (host,) = client.document("host.get_all_records", session)["result"].values()
    assert "https_only" not in host
    assert "software_version" in host
    error = client.document("task.set_progress", session, "x", 0.5)["error"]
    assert error == ["MESSAGE_METHOD_UNKNOWN", "task.set_progress"]
    task = client.document("task.create", session, "a", "b")["result"]
    assert "backtrace" in client.document("task.get_record", session, task)["result"]
    client.document("session.logout", session)


def test_unknown_product_is_refused() -> None:
    with pytest.raises(ValueError, match="no product 'nope'; there are "):
        Simulator(product="nope")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "has to be a map with name, hosts"),
        ("{vms: {}}", "vms has to be a list"),
        ("{vms: [{name: a, colour: red}]}", "unknown colour; known: name, power_state"),
        ("{vms: [{}]}", "missing 1 required positional argument: 'name'"),
        ("{a: b", "is not YAML"),
    ],
)
def test_wrong_inventory_is_explained(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "pool.yml"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        plan.read(path)
