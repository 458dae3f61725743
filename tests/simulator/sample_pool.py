# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pool as clients expect one: control domains, templates, storage, networks, VMs with devices."""

from __future__ import annotations

from . import vm_lifecycle
from .guests import add_guest
from .inventory import Inventory
from .plan import GIB, Plan, PlannedSR, PlannedVM
from .products import CPU, Product
from .values import NULL_REF, Value

MEMORY = 64 * GIB
CONTROL_MEMORY = 4 * GIB
MANAGEMENT = "Pool-wide network associated with eth0"
INTERNAL = "Host internal management network"
TEMPLATES = ("Other install media", "Debian Bookworm 12")
STORAGE_OPERATIONS = [
    "unplug", "plug", "pbd_create", "pbd_destroy", "update", "scan", "forget", "destroy",
    "vdi_create", "vdi_introduce", "vdi_destroy", "vdi_resize", "vdi_clone", "vdi_snapshot",
    "vdi_mirror",
]  # fmt: skip
DISK_OPERATIONS = ["forget", "generate_config", "update", "resize", "destroy", "clone", "copy",
                   "snapshot"]  # fmt: skip
DRIVERS = ("ext", "lvm", "nfs", "iso", "udev", "lvmoiscsi")
LICENSE = {
    "restrict_connection": "false",
    "restrict_pool_attached_storage": "false",
    "restrict_email_alerting": "false",
    "restrict_qos": "false",
    "restrict_wlb": "true",
    "restrict_rbac": "false",
    "expiry": "20991231T23:59:59Z",
    "sockets": "2",
    "license_type": "",
}


class SamplePool:
    """Fills the pool of a product as planned. The hosts are there already."""

    def __init__(self, inventory: Inventory, product: Product, plan: Plan) -> None:
        self._inventory = inventory
        self._database = inventory.database
        self._product = product
        self._plan = plan
        self._hosts = sorted(
            self._database["host"].rows, key=lambda host: self._database["host"][host].created
        )
        self._networks: dict[str, str] = {}
        self._storages: dict[str, str] = {}

    def build(self) -> None:
        """Make everything."""
        self._inventory.has_guests = True
        self._add_networks()
        for kind in DRIVERS:
            self._inventory.add(
                "SM",
                name_label=kind,
                type=kind,
                driver_filename=f"/opt/xensource/sm/{kind.upper()}SR",
            )
        for place, host in enumerate(self._hosts):
            self._equip(host, place)
        for storage in self._plan.srs:
            self._add_shared(storage)
        self._add_storage(
            self._product.tools,
            "iso",
            self._hosts,
            content_type="iso",
            shared=True,
            is_tools_sr=True,
        )
        self._set_up_pool()
        for label in TEMPLATES:
            self._add_vm(PlannedVM(label, template=True, disks=0), 0)
        for place, vm in enumerate(self._plan.vms):
            self._add_vm(vm, place)

    def _write(self, name: str, ref: str, **fields: Value) -> None:
        for field, value in fields.items():
            self._database.write(name, ref, field, value)

    def _add_networks(self) -> None:
        for place, label in enumerate((MANAGEMENT, *self._plan.networks)):
            self._networks[label] = self._inventory.add_network(label, f"xenbr{place}")
        internal = self._inventory.add_network(INTERNAL, "xenapi")
        self._database.write(
            "network", internal, "other_config", {"is_host_internal_management_network": "true"}
        )
        self._networks[INTERNAL] = internal

    def _equip(self, host: str, place: int) -> None:
        """Give a host the fields of its product, its hardware and a control domain."""
        record = self._database.read("host", host)
        names = self._plan.hosts
        label = names[place] if place < len(names) else record["name_label"]
        self._write(
            "host",
            host,
            name_label=label,
            hostname=label,
            software_version=self._product.software_version(),
            cpu_info=CPU,
            license_params={**LICENSE, "sku_type": self._product.edition},
            edition=self._product.edition,
            capabilities=["xen-3.0-x86_64", "hvm-3.0-x86_32", "hvm-3.0-x86_64"],
            memory_overhead=GIB,
            iscsi_iqn=f"iqn.2026-01.example:{label}",
            bios_strings={"system-manufacturer": "Simulated", "system-product-name": "Host"},
        )
        self._write(
            "host_metrics",
            record["metrics"],
            memory_total=MEMORY,
            memory_free=MEMORY - CONTROL_MEMORY,
        )
        for number in range(int(CPU["cpu_count"])):
            self._inventory.add(
                "host_cpu",
                host=host,
                number=number,
                vendor=CPU["vendor"],
                modelname=CPU["modelname"],
            )
        self._add_interfaces(host, record["address"], place)
        self._add_control_domain(host, label)
        local = self._add_storage("Local storage", "ext", [host])
        self._add_storage("DVD drives", "udev", [host], content_type="iso")
        self._write("host", host, suspend_image_sr=local, crash_dump_sr=local)
        self._storages.setdefault("", local)
        self._storages.setdefault("Local storage", local)

    def _add_interfaces(self, host: str, address: str, place: int) -> None:
        labels = [label for label in self._networks if label != INTERNAL]
        for number, label in enumerate(labels):
            is_first = number == 0
            metrics = self._inventory.add("PIF_metrics", carrier=True, speed=10000, duplex=True)
            self._inventory.add(
                "PIF",
                device=f"eth{number}",
                host=host,
                network=self._networks[label],
                MAC=f"02:00:00:00:{place:02x}:{number:02x}",
                MTU=1500,
                VLAN=-1,
                metrics=metrics,
                physical=True,
                managed=True,
                currently_attached=True,
                management=is_first,
                IP=address if is_first else "",
                netmask="255.255.255.0" if is_first else "",
                ip_configuration_mode="Static" if is_first else "None",
            )

    def _add_control_domain(self, host: str, label: str) -> None:
        domain = self._inventory.add_vm(
            f"Control domain on host: {label}",
            is_control_domain=True,
            power_state="Running",
            resident_on=host,
            affinity=host,
            domid=0,
            VCPUs_max=8,
            VCPUs_at_startup=8,
            memory_static_min=CONTROL_MEMORY,
            memory_static_max=CONTROL_MEMORY,
            memory_dynamic_min=CONTROL_MEMORY,
            memory_dynamic_max=CONTROL_MEMORY,
            memory_target=CONTROL_MEMORY,
        )
        self._database.write("host", host, "control_domain", domain)

    def _add_storage(self, label: str, kind: str, hosts: list[str], **fields: Value) -> str:
        sr = self._inventory.add_sr(
            label,
            **{
                "type": kind,
                "content_type": "user",
                "allowed_operations": STORAGE_OPERATIONS,
                "physical_size": 1024 * GIB,
                **fields,
            },
        )
        for host in hosts:
            config = {"device": "/dev/sda3"} if kind == "ext" else {"location": label}
            self._inventory.add(
                "PBD", host=host, SR=sr, device_config=config, currently_attached=True
            )
        return sr

    def _add_shared(self, planned: PlannedSR) -> None:
        sr = self._add_storage(
            planned.name, planned.type, self._hosts, shared=True, physical_size=planned.size
        )
        if planned is self._plan.srs[0]:
            self._storages[""] = sr
        self._storages[planned.name] = sr

    def _set_up_pool(self) -> None:
        storage = self._storages[""]
        self._write(
            "pool",
            self._inventory.pool,
            name_label=self._plan.name,
            default_SR=storage,
            suspend_image_SR=storage,
            crash_dump_SR=storage,
            cpu_info=CPU,
            restrictions={
                **{key: value for key, value in LICENSE.items() if key.startswith("restrict_")},
                "restrict_vtpm": "false",
            },
        )

    def _add_vm(self, planned: PlannedVM, place: int) -> None:
        runs = planned.power_state in ("Running", "Paused")
        number = place if planned.host is None else planned.host
        home = self._hosts[number % len(self._hosts)] if runs else NULL_REF
        vm = self._inventory.add_vm(
            planned.name,
            power_state=planned.power_state,
            resident_on=home,
            domid=self._inventory.next_domain() if runs else -1,
            is_a_template=planned.template,
            is_default_template=planned.template,
            memory_static_min=planned.memory // 2,
            memory_dynamic_min=planned.memory,
            memory_dynamic_max=planned.memory,
            memory_static_max=planned.memory,
            memory_target=planned.memory if runs else 0,
            VCPUs_max=planned.vcpus,
            VCPUs_at_startup=planned.vcpus,
            tags=planned.tags,
            other_config={**planned.other_config, **_provisioning(planned)},
            platform={"acpi": "true", "apic": "true", "pae": "true", "viridian": "false"},
            HVM_boot_params={"order": "cdn"},
        )
        if not planned.template:
            self._add_devices(vm, planned, attached=runs)
        if runs:
            add_guest(self._inventory, vm)
        vm_lifecycle.refresh(self._database, vm)

    def _add_devices(self, vm: str, planned: PlannedVM, *, attached: bool) -> None:
        storage = self._storages[planned.sr]
        for number in range(planned.disks):
            disk = self._inventory.add_vdi(
                f"{planned.name} disk {number}",
                storage,
                virtual_size=planned.disk_size,
                physical_utilisation=planned.disk_size // 4,
                allowed_operations=DISK_OPERATIONS,
            )
            self._add_device("VBD", attached, VM=vm, VDI=disk, userdevice=str(number),
                             device=f"xvd{chr(97 + number)}", bootable=number == 0)  # fmt: skip
        self._add_device("VBD", attached, VM=vm, userdevice="15", device="xvdp", type="CD",
                         mode="RO", empty=True)  # fmt: skip
        self._add_device("VIF", attached, VM=vm, device="0", MTU=1500, MAC_autogenerated=True,
                         network=self._networks[planned.network or MANAGEMENT],
                         MAC=self._inventory.next_mac())  # fmt: skip

    def _add_device(self, kind: str, attached: bool, **fields: Value) -> None:
        self._inventory.set_attached(kind, self._inventory.add(kind, **fields), attached)


def _provisioning(planned: PlannedVM) -> dict[str, str]:
    """Return the entries of a template for its installer."""
    if not planned.template:
        return {}
    disks = '<provision><disk device="0" size="10737418240" sr="" bootable="true" type="system"/>'
    return {"disks": f"{disks}</provision>", "default_template": "true"}
