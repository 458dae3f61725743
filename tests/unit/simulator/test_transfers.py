# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test exports and imports over HTTP, and the requests that the simulator does not answer."""

from __future__ import annotations

import base64
import gzip
import http.client
import io
import socket
import tarfile
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import Life, Simulator, VirtualClock
from ansible_collections.xen.xapi.tests.simulator.http_actions import ACTIONS, find
from ansible_collections.xen.xapi.tests.simulator.values import NOT_IMPLEMENTED, Date
from ansible_collections.xen.xapi.tests.support.polling import TIMEOUT, wait_until
from ansible_collections.xen.xapi.tests.unit.simulator.client import (
    MISSING,
    PASSWORD,
    Background,
    Client,
    Connect,
    Start,
    at_work,
    outlasted,
)

SHORT = Life(duration=0.05, steps=1)
LABELS = ("VM.export", "VM.import", "Exporting raw VDI", "Importing raw VDI")


@pytest.fixture
def pool(start: Start) -> Simulator:
    """Return a pool of two hosts whose transfers are quick."""
    simulator = start(product="xcp-ng-8.3", supporters=1)
    simulator.operations.lives.update(dict.fromkeys(LABELS, SHORT))
    return simulator


@pytest.fixture
def user(pool: Simulator, connect: Connect) -> Client:
    return connect(pool)


def ask(client: Client, target: str, method: str = "GET", body: bytes = b"", **query: str) -> Any:
    """Return status, headers and body of a request with the session of a client."""
    query = {"session_id": client.session, **query}
    where = f"{target}?{urllib.parse.urlencode(query)}"
    return client.post(body, where, method=method)


def the_task(simulator: Simulator, label: str) -> dict[str, Any]:
    """Return the one task with a label."""
    (task,) = simulator.database.find_by_name("task", label)
    record = simulator.record(task)
    assert record is not None
    return record


def disk_of(simulator: Simulator, vm: str) -> str:
    devices = simulator.database.read("VM", simulator.find("VM", vm))["VBDs"]
    disks = [simulator.database.read("VBD", device)["VDI"] for device in devices]
    return next(disk for disk in disks if disk in simulator.database["VDI"])


@pytest.mark.parametrize("session", [{}, {"session_id": MISSING}])
def test_request_without_a_session_is_unauthorized(
    pool: Simulator, session: dict[str, str]
) -> None:
    target = f"/export?{urllib.parse.urlencode({'uuid': 'x', **session})}"
    answer = Client(pool.url).post(b"", target, method="GET")
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="get_export"'
    assert pool.database.records("task") == {}


def test_name_and_password_authorize_for_one_request(pool: Simulator) -> None:
    named = base64.b64encode(f"root:{PASSWORD}".encode()).decode()
    headers = {"authorization": f"Basic {named}"}
    target = f"/export?ref={pool.find('VM', 'db-1')}"
    assert Client(pool.url).post(b"", target, headers, method="GET").status == 200
    assert pool.sessions() == []
    wrong = {"authorization": "Basic cm9vdDp4"}
    assert Client(pool.url).post(b"", target, wrong, method="GET").status == 401
    other = Client(pool.url).post(b"", target, {"authorization": "Bearer x"}, method="GET")
    assert (other.status, b"Unknown authorization header: Bearer x" in other.body) == (500, True)


def test_session_of_a_cookie_counts(pool: Simulator, user: Client) -> None:
    headers = {"cookie": f"a=b; session_id={user.session}"}
    target = f"/export?ref={pool.find('VM', 'db-1')}"
    assert user.post(b"", target, headers, method="GET").status == 200


def test_too_low_a_role_is_forbidden_and_fails_the_named_task(
    pool: Simulator, connect: Connect
) -> None:
    reader = connect(pool, "vm-operator")
    task = reader.task()
    answer = ask(reader, "/export", ref=pool.find("VM", "db-1"), task_id=task)
    assert answer.status == 403
    record = pool.record(task)
    assert record is not None
    assert record["error_info"][:2] == ["RBAC_PERMISSION_DENIED", "http/get_export"]


def test_export_makes_a_task_that_the_vm_names(
    start: Start, connect: Connect, background: Background
) -> None:
    simulator = start(clock=VirtualClock(), product="xcp-ng-8.3")
    client, vm = connect(simulator), simulator.find("VM", "db-1")
    call = background(ask, client, "/export", ref=vm)
    assert wait_until(lambda: at_work(simulator))
    task = the_task(simulator, "VM.export")
    held = simulator.database.read("VM", vm)["current_operations"]
    assert (task["status"], list(held.values())) == ("pending", ["export"])
    answer = outlasted(simulator, call)
    (reference,) = held
    assert answer.headers["task-id"] == reference
    task = the_task(simulator, "VM.export")
    assert (task["status"], task["result"], task["progress"]) == ("success", "", 1.0)
    assert simulator.database.read("VM", vm)["current_operations"] == {}
    with tarfile.open(fileobj=io.BytesIO(answer.body)) as archive:
        assert archive.getnames() == ["ova.xml"]


def test_export_completes_the_task_of_the_client(pool: Simulator, user: Client) -> None:
    task = user.task("my export")
    answer = ask(user, "/export", ref=pool.find("VM", "db-1"), task_id=task, use_compression="true")
    assert answer.headers["task-id"] == task
    assert b"ova.xml" in gzip.decompress(answer.body)
    assert the_task(pool, "my export")["status"] == "success"
    assert pool.database.find_by_name("task", "VM.export") == []


def test_supporter_makes_the_task_of_its_export(pool: Simulator, user: Client) -> None:
    supporter = Client(pool.hosts[1].url)
    supporter.session = user.session
    pool.set_clock(1, 3600)
    assert ask(supporter, "/export", ref=pool.find("VM", "db-1")).status == 200
    task = the_task(pool, "VM.export")
    assert task["resident_on"] == pool.hosts[1].ref
    ahead = Date.at(pool.clock.now() + 1800)
    assert min(task["created"], task["finished"]) > ahead, "both are of the supporter's clock"


@pytest.mark.parametrize(
    ("query", "page", "error"),
    [
        ({"ref": "web-1"}, b"VM_BAD_POWER_STATE: [ ", "VM_BAD_POWER_STATE"),
        # The task of the client is not ended before the VM is known.
        ({"uuid": "x"}, b"UUID_INVALID: [ VM; x ]", ""),
        ({}, b"Not_found", ""),
        ({"ref": "db-1", "use_compression": "zstd"}, b"zstd", NOT_IMPLEMENTED),
    ],
)
def test_refused_export_fails_its_task(
    pool: Simulator, user: Client, query: dict[str, str], page: bytes, error: str
) -> None:
    if "ref" in query:
        query["ref"] = pool.find("VM", query["ref"])
    task = user.task("mine")
    answer = ask(user, "/export", task_id=task, **query)
    assert answer.status == (501 if error == NOT_IMPLEMENTED else 500)
    assert page in answer.body
    assert the_task(pool, "mine")["error_info"][:1] == [error][: bool(error)]


def test_task_that_does_not_exist_is_refused(pool: Simulator, user: Client) -> None:
    answer = ask(user, "/export", ref=pool.find("VM", "db-1"), task_id=MISSING)
    assert answer.status == 500
    assert f"HANDLE_INVALID: [ task; {MISSING} ]".encode() in answer.body


def test_export_of_a_missing_vm_breaks_the_connection(pool: Simulator, user: Client) -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        ask(user, "/export", ref=MISSING)
    assert the_task(pool, "export")["error_info"] == ["NO_HOSTS_AVAILABLE"]


def test_cancelled_export_ends_as_cancelled(
    start: Start, connect: Connect, background: Background
) -> None:
    simulator = start(clock=VirtualClock(), product="xcp-ng-8.3")
    client = connect(simulator)
    call = background(ask, client, "/export", ref=simulator.find("VM", "db-1"))
    assert wait_until(lambda: at_work(simulator))
    (task,) = at_work(simulator)
    client("task.cancel", task)
    outlasted(simulator, call)
    record = simulator.record(task)
    assert record is not None
    assert (record["status"], record["error_info"]) == ("cancelled", ["TASK_CANCELLED", task])


@pytest.mark.parametrize("reads", [True, False])
def test_client_that_leaves_fails_its_export(start: Start, connect: Connect, reads: bool) -> None:
    simulator = start(clock=VirtualClock(), product="xcp-ng-8.3")
    client, vm = connect(simulator), simulator.find("VM", "db-1")
    where = urllib.parse.urlsplit(simulator.url)
    with socket.create_connection((where.hostname, where.port), timeout=TIMEOUT) as connection:
        target = f"/export?session_id={client.session}&ref={vm}"
        connection.sendall(f"GET {target} HTTP/1.1\r\n\r\n".encode())
        assert wait_until(lambda: at_work(simulator))
        received = b""
        while reads and not received.endswith(bytes(1024)):
            received += connection.recv(65536)
    assert wait_until(lambda: the_task(simulator, "VM.export")["status"] == "failure")
    assert the_task(simulator, "VM.export")["error_info"][0] == "INTERNAL_ERROR"
    assert wait_until(lambda: not simulator.database.read("VM", vm)["current_operations"])


def test_restart_of_the_master_breaks_an_export(
    start: Start, connect: Connect, background: Background
) -> None:
    simulator = start(clock=VirtualClock(), product="xcp-ng-8.3")
    client = connect(simulator)
    call = background(ask, client, "/export", ref=simulator.find("VM", "db-1"))
    assert wait_until(lambda: at_work(simulator))
    simulator.restart_master()
    assert len(call.result(TIMEOUT).body) > 0, "the end of the connection ends the data"
    assert simulator.database.records("task") == {}


def test_exported_vm_can_be_imported(pool: Simulator, user: Client) -> None:
    archive = ask(user, "/export", ref=pool.find("VM", "db-1")).body
    storage = pool.find("SR", "Shared storage 1")
    assert ask(user, "/import", "PUT", archive, sr_id=storage).status == 200
    task = the_task(pool, "VM.import")
    made = task["result"].removeprefix("<value><array><data><value>").partition("<")[0]
    records = [pool.database.read("VM", vm) for vm in (made, pool.find("VM", "web-1"))]
    assert records[0]["name_label"] == "db-1"
    assert records[0]["memory_static_max"] == records[1]["memory_static_max"]
    assert [len(record["VBDs"]) for record in records] == [2, 2]
    assert [len(record["VIFs"]) for record in records] == [1, 1]
    assert (records[0]["power_state"], records[0]["current_operations"]) == ("Halted", {})


def archive(name: str, text: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    return made.getvalue()


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (gzip.compress(bytes(2000))[:-20] + bytes(20), ["IMPORT_ERROR_"]),
        (b"", ["IMPORT_ERROR_PREMATURE_EOF"]),
        (b"x" * 600, ["IMPORT_ERROR_PREMATURE_EOF"]),
        (archive("other", b""), ["IMPORT_ERROR_UNEXPECTED_FILE", "ova.xml", "other"]),
        (archive("ova.xml", b"<value>x</value>"), ["IMPORT_ERROR_GENERIC"]),
        (archive("ova.xml", b"<x"), ["IMPORT_ERROR_GENERIC"]),
    ],
    ids=["cut gzip", "empty", "no tar", "other file", "other value", "cut XML"],
)
def test_broken_archive_fails_its_import(
    pool: Simulator, user: Client, sent: bytes, error: list[str]
) -> None:
    before = set(pool.database["VM"])
    answer = ask(user, "/import", "PUT", sent)
    assert answer.status == 200, "the answer begins before the archive is read"
    found = the_task(pool, "VM.import")["error_info"]
    assert found[0].startswith(error[0])
    assert found[1 : len(error)] == error[1:]
    assert the_task(pool, "VM.import (cleanup)")["status"] == "success"
    assert set(pool.database["VM"]) == before


def test_cancelled_import_leaves_no_vm_and_no_disk(
    start: Start, connect: Connect, background: Background
) -> None:
    simulator = start(clock=VirtualClock(), product="xcp-ng-8.3")
    client = connect(simulator)
    call = background(ask, client, "/export", ref=simulator.find("VM", "db-1"))
    assert wait_until(lambda: at_work(simulator))
    sent = outlasted(simulator, call).body
    before = {kind: set(simulator.database[kind]) for kind in ("VM", "VDI", "VBD", "VIF")}
    call = background(ask, client, "/import", "PUT", sent)
    assert wait_until(lambda: len(simulator.database["VM"].rows) > len(before["VM"]))
    assert wait_until(lambda: at_work(simulator))
    (task,) = at_work(simulator)
    client("task.cancel", task)
    outlasted(simulator, call)
    assert {kind: set(simulator.database[kind]) for kind in before} == before


@pytest.mark.parametrize(
    ("target", "headers", "status", "error"),
    [
        ("DVD drives", {}, 400, "SR_OPERATION_NOT_SUPPORTED"),
        ("Shared storage 1", {"transfer-encoding": "x"}, 403, "IMPORT_ERROR_CANNOT_HANDLE_CHUNKED"),
    ],
)
def test_import_is_refused_before_its_data(
    pool: Simulator,
    user: Client,
    target: str,
    headers: dict[str, str],
    status: int,
    error: str,
) -> None:
    storage = max(
        pool.database.find_by_name("SR", target),
        key=lambda sr: pool.inventory.reaches(pool.master_ref, sr),
    )
    where = f"/import?session_id={user.session}&sr_id={storage}"
    answer = user.post(b"", where, headers, method="PUT")
    assert answer.status == status
    assert the_task(pool, "VM.import")["error_info"] == [error]


def test_metadata_of_all_vms_can_be_exported(pool: Simulator, user: Client) -> None:
    answer = ask(user, "/export_metadata", all="true")
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert b"Control domain on host" in answer.body
    assert b"Debian Bookworm" not in answer.body, "default templates are left out"
    assert ask(user, "/export_metadata", task_id=user.task("mine")).status == 500
    assert the_task(pool, "mine")["error_info"] == ["INTERNAL_ERROR", "Not_found"]
    assert the_task(pool, "VM.export_metadata")["status"] == "success"


@pytest.mark.parametrize(
    ("kind", "is_right"),
    [
        ("raw", lambda body: body == bytes(3_000_000)),
        ("vhd", lambda body: body[:8] == body[-512:-504] == b"conectix" and len(body) < 5000),
    ],
)
def test_disk_is_exported_as_zeros(
    pool: Simulator, user: Client, kind: str, is_right: Callable[[bytes], bool]
) -> None:
    disk = pool.inventory.add_vdi(
        "small", pool.find("SR", "Shared storage 1"), virtual_size=3000000
    )
    uuid = pool.database.read("VDI", disk)["uuid"]
    answer = ask(user, "/export_raw_vdi", vdi=uuid, format=kind)
    assert is_right(answer.body)
    assert f'filename="{uuid}.{kind}"' in answer.headers["content-disposition"]
    assert the_task(pool, "Exporting raw VDI")["status"] == "success"


@pytest.mark.parametrize(
    ("kind", "status", "error"),
    [
        ("cow", 404, ["INTERNAL_ERROR", "Unknown format cow"]),
        ("tar", 501, [NOT_IMPLEMENTED]),
    ],
)
def test_other_formats_of_disks_are_refused(
    pool: Simulator, user: Client, kind: str, status: int, error: list[str]
) -> None:
    answer = ask(user, "/export_raw_vdi", vdi=disk_of(pool, "db-1"), format=kind)
    assert answer.status == status
    assert the_task(pool, "Exporting raw VDI")["error_info"][: len(error)] == error


@pytest.mark.parametrize("target", ["vdi", "sr_id"])
def test_contents_of_a_disk_can_be_sent(pool: Simulator, user: Client, target: str) -> None:
    found = {"vdi": disk_of(pool, "db-1"), "sr_id": pool.find("SR", "Shared storage 1")}
    answer = ask(user, "/import_raw_vdi", "PUT", bytes(1024), **{target: found[target]})
    assert answer.status == 200
    task = the_task(pool, "Importing raw VDI")
    disk = task["result"].removeprefix("<value>").removesuffix("</value>")
    assert (disk == found["vdi"]) == (target == "vdi")
    if target == "sr_id":
        assert pool.database.read("VDI", disk)["virtual_size"] == 1024


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ({}, 400, ["VDI_MISSING"]),
        ({"vdi": "", "format": "raw"}, 400, ["UUID_INVALID", "VDI", ""]),
        ({"vdi": "db-1", "format": "cow"}, 404, ["INTERNAL_ERROR", "Unknown format cow"]),
        (
            {"sr_id": "Shared storage 1", "format": "vhd"},
            400,
            ["INTERNAL_ERROR", "Importing a VHD directly into an SR not yet supported"],
        ),
        (
            {"vdi": "db-1", "format": "vhd", "chunked": ""},
            404,
            ["INTERNAL_ERROR", "Cannot handle chunked VHD"],
        ),
    ],
)
def test_refused_contents_fail_the_task(
    pool: Simulator, user: Client, query: dict[str, str], status: int, error: list[str]
) -> None:
    if query.get("vdi"):
        query["vdi"] = disk_of(pool, query["vdi"])
    if "sr_id" in query:
        query["sr_id"] = pool.find("SR", query["sr_id"])
    answer = ask(user, "/import_raw_vdi", "PUT", b"x", task_id=user.task("mine"), **query)
    assert answer.status == status
    assert the_task(pool, "mine")["error_info"] == error


def test_host_without_the_storage_redirects(pool: Simulator, user: Client) -> None:
    storage = next(
        sr
        for sr in pool.database.find_by_name("SR", "Local storage")
        if pool.inventory.reaches(pool.hosts[1].ref, sr)
    )
    disk = pool.inventory.add_vdi("far", storage, virtual_size=1024)
    answer = ask(user, "/export_raw_vdi", vdi=disk)
    assert answer.status == 302
    where = urllib.parse.urlsplit(answer.headers["Location"])
    assert f"{where.scheme}://{where.netloc}" == pool.hosts[1].url
    assert urllib.parse.parse_qs(where.query)["vdi"] == [disk]
    assert pool.database.records("task") == {}


@pytest.mark.parametrize(
    "action",
    [
        one
        for one in ACTIONS
        if one.name in ("rrd_updates", "post_cli", "get_services", "put_bundle")
    ],
)
def test_request_that_is_not_simulated_says_so(pool: Simulator, user: Client, action: Any) -> None:
    task = user.task("mine")
    answer = ask(user, action.path, action.method, task_id=task)
    assert answer.status == 501
    assert f"{NOT_IMPLEMENTED} http/{action.name}".encode() in answer.body
    assert the_task(pool, "mine")["error_info"] == [NOT_IMPLEMENTED, f"http/{action.name}"]


def test_longest_path_decides() -> None:
    names = {
        ("GET", "/export_raw_vdi/"): "get_export_raw_vdi",
        ("GET", "/exports"): "get_export",
        ("POST", "/services/SM/x"): "post_services_sm",
        ("GET", "/repository/enabled/x"): "get_enabled_repository",
    }
    assert {key: getattr(find(*key), "name", "") for key in names} == names
    assert find("POST", "/jsonrpc") is None
    assert find("POST", "/export") is None


def test_requests_are_logged_and_can_be_faulted(pool: Simulator, user: Client) -> None:
    vm = pool.find("VM", "db-1")
    pool.fail("GET /export", ref=vm, cut=True)
    pool.fail("GET /export", nth=2, http=(503, "later"))
    with pytest.raises(http.client.RemoteDisconnected):
        ask(user, "/export", ref=vm)
    assert ask(user, "/export", ref=vm).status == 503
    pool.fail("GET /export", error=["X", "y"])
    assert ask(user, "/export", ref=vm).status == 500
    assert ask(user, "/export", ref=vm).status == 200
    calls = pool.log.of("GET /export")
    assert [call.fault for call in calls] == [True, True, True, False]
    assert all(call.params == [vm] for call in calls)
    assert all(call.session == user.session for call in calls)
