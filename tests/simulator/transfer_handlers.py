# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The handlers of /export, /export_metadata, /import, /export_raw_vdi and /import_raw_vdi."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Iterator
from functools import partial

from . import html_pages, vhd, vm_lifecycle, vm_work, xva
from .exchange import CHUNK
from .faults import Cut
from .http_request import HttpRequest
from .transfers import Handler, Job, Transfers
from .values import NOT_IMPLEMENTED, NULL_REF, ApiError, ref

BINARY = "content-type: application/octet-stream"
ATTACHED = 'Content-Disposition: attachment; filename="export.xva"'
SERVER = "Server: xapi/26.17"
TYPES = {
    "raw": "application/octet-stream",
    "vhd": "application/vhd",
    "tar": "application/x-tar",
    "qcow2": "application/x-qemu-disk",
}
"""Format of a disk -> content type."""
MAX_VHD_SIZE = 2040 * 1024**3


def export(transfers: Transfers, job: Job) -> None:
    """Send an archive of a VM. A VM that no host can reach breaks the connection (export.ml)."""
    request = job.exchange.request
    vm = _vm(transfers, request)
    try:
        if transfers.redirects(job, _storages(transfers, vm)):
            return
    except ApiError as error:
        with contextlib.suppress(ApiError), transfers.task("export", job):
            raise error from None
        raise Cut from error
    with transfers.task("VM.export", job) as task:
        transfers.pool.tasks.write(task, "progress", 0.0)
        with _held(transfers, vm, task, "export"):
            archive = xva.pack(transfers.pool.inventory, [vm])
            data = _compressed(archive, request.query.get("use_compression", ""))
            headers = (f"task-id: {task}", SERVER, BINARY, ATTACHED)
            job.exchange.send_head("200 OK", headers, version="1.0")
            transfers.play(
                task, "VM.export", job, partial(job.exchange.send, data), is_download=True
            )


def export_metadata(transfers: Transfers, job: Job) -> None:
    """Send the description of a VM, or of all but the default templates."""
    database, request = transfers.pool.database, job.exchange.request
    with transfers.task("VM.export_metadata", job) as task:
        if request.query.get("all") == "true":
            records = database.records("VM")
            vms = [vm for vm in records if not records[vm]["is_default_template"]]
        else:
            vms = [_vm(transfers, request)]
        with contextlib.ExitStack() as holds:
            for vm in vms:
                holds.enter_context(_held(transfers, vm, task, "metadata_export"))
            archive = xva.pack(transfers.pool.inventory, vms)
        length = f"Content-Length: {len(archive)}"
        headers = (f"task-id: {task}", SERVER, BINARY, length, ATTACHED)
        job.exchange.send_head("200 OK", headers, version="1.0")
        job.exchange.send(archive)


def import_vm(transfers: Transfers, job: Job) -> None:
    """Make the VMs of an archive. The answer begins before the archive is read (import.ml)."""
    exchange, pool = job.exchange, transfers.pool
    storage = (
        _sr(transfers, exchange.request)
        or pool.database.read("pool", pool.inventory.pool)["default_SR"]
    )
    if storage not in pool.database["SR"]:
        raise ApiError("DEFAULT_SR_NOT_FOUND", storage)
    if transfers.redirects(job, {storage}):
        return
    with transfers.task("VM.import", job) as task:
        pool.tasks.write(task, "progress", 0.0)
        if pool.database.read("SR", storage)["content_type"] == "iso":
            exchange.send_head("400 Bad Request")
            raise ApiError("SR_OPERATION_NOT_SUPPORTED")
        if "transfer-encoding" in exchange.request.headers:
            exchange.send_head("403 Forbidden")
            raise ApiError("IMPORT_ERROR_CANNOT_HANDLE_CHUNKED")
        exchange.send_head("200 OK", (f"task-id:{task}", BINARY))
        vms: list[str] = []
        try:
            transfers.play(
                task, "VM.import", job, lambda: vms.extend(_read(transfers, job, storage, task))
            )
        except BaseException:
            _clean_up(transfers, vms)
            raise
        for vm in vms:
            _release(transfers, vm, task)
        job.result = vms


def _read(transfers: Transfers, job: Job, storage: str, task: str) -> list[str]:
    objects = xva.unpack(job.exchange)
    while job.exchange.request.length is not None and job.exchange.read(CHUNK):
        pass
    return xva.restore(transfers.pool.inventory, objects, storage, task)


def _clean_up(transfers: Transfers, vms: list[str]) -> None:
    """Delete the VMs of an import that failed, under a task of its own (importexport.ml)."""
    tasks, database = transfers.pool.tasks, transfers.pool.database
    task = tasks.create("VM.import (cleanup)")
    for vm in vms:
        devices = database.read("VM", vm)["VBDs"]
        disks = [database.read("VBD", device)["VDI"] for device in devices]
        vm_work.destroy(transfers.pool.inventory, (vm,))
        for disk in disks:
            if disk in database["VDI"]:
                database.delete("VDI", disk)
    tasks.end(task, tasks.success_writes(None))


def export_disk(transfers: Transfers, job: Job) -> None:
    """Send the contents of a disk, all of which are zero."""
    pool, request = transfers.pool, job.exchange.request
    vdi = _vdi(transfers, request)
    if vdi is None:
        raise html_pages.exception(
            'Failure("Missing vdi query parameter")', version=request.version
        )
    record = pool.database.read("VDI", vdi)
    if transfers.redirects(job, {record["SR"]}):
        return
    with transfers.task("Exporting raw VDI", job) as task:
        kind = (request.parameter("format") or "raw").lower()
        if kind not in TYPES:
            unknown = f"Unknown format {request.parameter('format')}"
            transfers.fail(task, job, ["INTERNAL_ERROR", unknown])
            job.exchange.send_head("404 Not Found", version="1.0")
            return
        if kind not in ("raw", "vhd"):
            raise ApiError(NOT_IMPLEMENTED, f"http/get_export_raw_vdi, format {kind}")
        name = f'content-disposition: attachment; filename="{record["uuid"]}.{kind}"'
        headers = (f"task-id:{task}", f"content-type:{TYPES[kind]}", name)
        job.exchange.send_head("200 OK", headers)
        size = record["virtual_size"]
        if kind == "vhd" and size > MAX_VHD_SIZE:
            raise ApiError("VDI_TOO_LARGE", vdi, str(MAX_VHD_SIZE))
        send = partial(_send_disk, job, kind, size)
        transfers.play(task, "Exporting raw VDI", job, send, is_download=True)


def _send_disk(job: Job, kind: str, size: int) -> None:
    if kind == "vhd":
        job.exchange.send(vhd.empty(size))
        return
    zeros = memoryview(bytes(CHUNK))
    for left in range(size, 0, -CHUNK):
        job.exchange.send(zeros[:left])


def import_disk(transfers: Transfers, job: Job) -> None:
    """Read the contents of a disk and forget them; an SR gets a new disk for raw contents."""
    pool, exchange = transfers.pool, job.exchange
    try:
        vdi, storage = _vdi(transfers, exchange.request), _sr(transfers, exchange.request)
        storage = pool.database.read("VDI", vdi)["SR"] if vdi else storage
        if not storage:
            transfers.fail_named_task(exchange, ApiError("VDI_MISSING"))
            exchange.send_head("400 Bad Request")
            return
        if transfers.redirects(job, {storage}):
            return
    except ApiError as error:
        transfers.fail_named_task(exchange, error)
        exchange.send_head("400 Bad Request")
        raise
    with transfers.task("Importing raw VDI", job) as task:
        wrong = _why_not(exchange.request, vdi)
        if wrong:
            status, text = wrong
            transfers.fail(task, job, ["INTERNAL_ERROR", text])
            exchange.send_head(status, version="1.0")
            return
        length = exchange.request.length or 0
        vdi = vdi or pool.inventory.add_vdi("Imported VDI", storage, virtual_size=length)
        exchange.send_head("200 OK", (f"task-id:{task}", BINARY))
        transfers.play(task, "Importing raw VDI", job, lambda: _drain(job))
        job.result = vdi


def _why_not(request: HttpRequest, vdi: str | None) -> tuple[str, str] | None:
    """Return status and text of the refusal of an import."""
    kind = (request.parameter("format") or "raw").lower()
    is_chunked = request.parameter("chunked") is not None
    if kind not in TYPES:
        return "404 Not Found", f"Unknown format {request.parameter('format')}"
    if kind != "raw" and is_chunked:
        return "404 Not Found", "Cannot handle chunked VHD"
    if "transfer-encoding" in request.headers:
        encoding = request.headers["transfer-encoding"]
        return "404 Not Found", f"Cannot handle encoding: {encoding}"
    if vdi is None and kind in ("vhd", "qcow2"):
        name = {"vhd": "VHD", "qcow2": "QCOW2"}[kind]
        return "400 Bad Request", f"Importing a {name} directly into an SR not yet supported"
    if vdi is None and (kind != "raw" or request.length is None):
        return "400 Bad Request", "Not enough info supplied to import"
    return None


def _drain(job: Job) -> None:
    while job.exchange.read(CHUNK):
        pass


def _vm(transfers: Transfers, request: HttpRequest) -> str:
    """Return the VM that a request names; its reference is not looked at."""
    if "ref" in request.query:
        return ref(request.query["ref"])
    if "uuid" not in request.query:
        raise html_pages.exception("Not_found", version=request.version)
    return transfers.pool.database.find_by_uuid("VM", request.query["uuid"])


def _vdi(transfers: Transfers, request: HttpRequest) -> str | None:
    """Return the disk that a request names by its reference or its uuid."""
    named = request.parameter("vdi")
    if named is None or ref(named) in transfers.pool.database["VDI"]:
        return named
    return transfers.pool.database.find_by_uuid("VDI", named)


def _sr(transfers: Transfers, request: HttpRequest) -> str:
    """Return the SR that a request names; empty for none."""
    named, uuid = request.parameter("sr_id"), request.parameter("sr_uuid")
    if named is None and uuid is not None:
        return transfers.pool.database.find_by_uuid("SR", uuid)
    return ref(named or "")


def _storages(transfers: Transfers, vm: str) -> set[str]:
    """Return the SRs of a VM's disks; one that no host has for a VM that does not exist."""
    database, inventory = transfers.pool.database, transfers.pool.inventory
    if vm not in database["VM"]:
        return {NULL_REF}
    devices = database.read("VM", vm)["VBDs"]
    return {inventory.storage_of(device) for device in devices} - {NULL_REF}


@contextlib.contextmanager
def _held(transfers: Transfers, vm: str, task: str, operation: str) -> Iterator[None]:
    """Check that a VM allows an operation and show it in the VM while it runs."""
    database = transfers.pool.database
    vm_lifecycle.check(database, vm, operation)
    database.add_to_map("VM", vm, "current_operations", task, operation)
    try:
        yield
    finally:
        _release(transfers, vm, task)


def _release(transfers: Transfers, vm: str, task: str) -> None:
    if vm in transfers.pool.database["VM"]:
        transfers.pool.database.remove_from_map("VM", vm, "current_operations", task)


def _compressed(archive: bytes, wanted: str) -> bytes:
    if wanted == "zstd":
        raise ApiError(NOT_IMPLEMENTED, "http/get_export, use_compression=zstd")
    return gzip.compress(archive) if wanted in ("true", "gzip") else archive


HANDLERS: dict[str, Handler] = {
    "get_export": export,
    "get_export_metadata": export_metadata,
    "get_export_raw_vdi": export_disk,
    "put_import": import_vm,
    "put_import_raw_vdi": import_disk,
}
"""Action -> its handler; all others are not simulated."""
