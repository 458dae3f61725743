# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scenarios of event arguments, asynchronous calls, setters and operations on missing objects."""

from __future__ import annotations

import json
import re
import threading
import time

MISSING_UUID = "00000000-0000-4000-8000-000000000000"
MISSING_REF = "OpaqueRef:00000000-0000-4000-8000-000000000001"
HEX = re.compile(r"trackid=[0-9a-f]{32}")


# The parts of an answer to keep


def code_of(answer):
    body = answer.get("body")
    if body is None:
        return answer
    if isinstance(body, list):
        return body[1]["ErrorDescription"][1][0][1] if "ErrorDescription" in body[1] else "success"
    error = body.get("error")
    return (error["message"] if isinstance(error, dict) else error[0]) if error else "success"


def untracked(answer):
    return json.loads(HEX.sub("trackid=<hex>", json.dumps(answer)))


def started(answer):
    """Return an answer of an asynchronous call without the reference of the task."""
    body = answer.get("body")
    if isinstance(body, dict) and str(body.get("result", "")).startswith("OpaqueRef:"):
        return {**answer, "body": {**body, "result": "<a reference>"}}
    if isinstance(body, list) and str(body[1].get("Value", ["", ""])[1]).startswith("OpaqueRef:"):
        return {
            **answer,
            "body": ["struct", {**body[1], "Value": [body[1]["Value"][0], "<a reference>"]}],
        }
    return untracked(answer)


def events_of(answer):
    """Return an answer of event.from without the parts that depend on the rest of the database."""
    body = answer.get("body")
    if body is None or code_of(answer) != "success":
        return untracked(answer)
    if isinstance(body, dict):
        result = body["result"]
        if not isinstance(result, dict):
            return result
        events = [
            [e["class"], e["operation"], e["ref"], sorted(e), e["timestamp"]]
            for e in result["events"]
        ]
        return {"keys": sorted(result), "events": events, "token": result["token"]}
    result = body[1]["Value"][1]
    events = [
        [e[1]["class"][1], e[1]["operation"][1], e[1]["ref"][1], sorted(e[1]), e[1]["timestamp"]]
        for e in result["events"][1]
    ]
    return {"keys": sorted(result), "events": events, "token": result["token"]}


def mine(*refs):
    """Only the events about these references."""

    def keep(answer):
        kept = events_of(answer)
        if isinstance(kept, dict) and "events" in kept:
            kept["events"] = sorted(
                [e for e in kept["events"] if e[2] in refs], key=lambda e: refs.index(e[2])
            )
        return kept

    return keep


def legacy(*refs):
    """Return a function that keeps the events of event.next about these references."""

    def keep(answer):
        if answer.get("body") is None or code_of(answer) != "success":
            return untracked(answer)
        body = answer["body"]
        events = body["result"] if isinstance(body, dict) else [e[1] for e in body[1]["Value"][1]]
        kept = []
        for e in events:
            flat = {
                k: (
                    v
                    if isinstance(v, str)
                    else "<map>"
                    if isinstance(v, dict) or v[0] == "struct"
                    else v[1]
                )
                for k, v in e.items()
            }
            if flat["ref"] in refs:
                kept.append([flat["class"], flat["operation"], flat["ref"], sorted(flat)])
        return kept

    return keep


def blocks(run, name, method, *params):
    """Record how a call that waits for ever ends when its session is logged out."""
    timer = threading.Timer(0.8, lambda: run.quiet("session.logout", params[0]))
    timer.start()
    began = time.monotonic()
    run.call(name, method, *params, keep=lambda x: [code_of(x), time.monotonic() - began > 0.6])
    timer.join()


def new(run, s, label="scenario"):
    return run.quiet("task.create", s, label, "")


def end(run, s, *tasks):
    for t in tasks:
        run.quiet("task.set_status", s, t, "success")
        run.quiet("task.destroy", s, t)


# Events


def event_arguments(run):
    if run.proto == "json1":
        return
    s = run.login()
    a = new(run, s, "scenario arguments")
    only, keep = ["task/" + a], mine(a)
    run.call("negative time", "event.from", s, only, "", -1.0, keep=keep)
    run.call("time as text", "event.from", s, only, "", "0.2", keep=keep)
    run.call("time as no number", "event.from", s, only, "", "soon", keep=keep)
    run.call("time as integer", "event.from", s, only, "", 1, keep=keep)
    run.call("time as true", "event.from", s, only, "", True, keep=keep)
    run.call("time as list", "event.from", s, only, "", [1.0], keep=keep)
    run.call("classes as text", "event.from", s, "task", "", 0.2, keep=keep)
    run.call("classes as map", "event.from", s, {"task": "task"}, "", 0.2, keep=keep)
    run.call("number among classes", "event.from", s, [7], "", 0.2, keep=keep)
    run.call("list among classes", "event.from", s, [["task"]], "", 0.2, keep=keep)
    run.call("two arguments", "event.from", s, only)
    run.call("three arguments", "event.from", s, only, "")
    run.call("five arguments", "event.from", s, only, "", 0.2, "x", keep=untracked)
    run.call("no session", "event.from", "", only, "", 0.2)
    run.call("asynchronous", "Async.event.from", s, only, "", 0.2, keep=code_of)
    other = run.login()
    token = run.quiet("event.from", s, only, "", 1.0)["token"]
    run.call("token of another session", "event.from", other, only, token, 0.2, keep=keep)
    run.quiet("session.logout", other)
    run.call("after logout", "event.from", other, only, token, 0.2, keep=code_of)
    run.quiet("task.set_progress", s, a, 0.5)
    run.call("change and wider classes", "event.from", s, ["task", "pool"], token, 1.0, keep=keep)
    run.quiet("task.add_to_other_config", s, a, "k", "v")
    run.call("change of other_config", "event.from", s, only, token, 1.0, keep=keep)
    end(run, s, a)
    run.call("made, changed and gone since the token", "event.from", s, only, token, 1.0, keep=keep)
    run.call("gone and no token", "event.from", s, ["task/" + a], "", 0.2, keep=keep)
    began = time.monotonic()
    run.quiet("event.from", s, only, run.quiet("event.from", s, only, "", 0.0)["token"], 1.0)
    run.record("waits its time", 0.7 < time.monotonic() - began < 3)
    began = time.monotonic()
    run.quiet("event.from", s, ["nosuch"], "", 1.0)
    run.record("waits its time for a class that is none", 0.7 < time.monotonic() - began < 3)


def legacy_events(run):
    s = run.login()
    run.call("next without register", "event.next", s, keep=untracked)
    run.call("unregister without register", "event.unregister", s, ["task"])
    run.call("id without register", "event.get_current_id", s, keep=code_of)
    run.call("register", "event.register", s, ["task"])
    run.call("register again", "event.register", s, ["TASK"])
    a = new(run, s, "scenario legacy")
    time.sleep(0.3)
    run.call("add", "event.next", s, keep=legacy(a))
    run.quiet("task.set_progress", s, a, 0.5)
    time.sleep(0.3)
    run.call("mod", "event.next", s, keep=legacy(a))
    run.quiet("task.set_progress", s, a, 0.6)
    run.quiet("task.set_progress", s, a, 0.7)
    time.sleep(0.3)
    run.call("two mods", "event.next", s, keep=legacy(a))
    timer = threading.Timer(0.3, lambda: run.quiet("task.set_status", s, a, "success"))
    timer.start()
    run.call("woken", "event.next", s, keep=legacy(a))
    timer.join()
    run.quiet("task.destroy", s, a)
    time.sleep(0.3)
    run.call("del", "event.next", s, keep=legacy(a))
    run.call("unregister", "event.unregister", s, ["task"])
    blocks(run, "next after unregister", "event.next", s)
    s = run.login()
    run.call("register nothing", "event.register", s, [])
    blocks(run, "next after register of nothing", "event.next", s)
    s = run.login()
    run.call("register an unknown class", "event.register", s, ["nosuch"])
    run.call("unregister an unknown class", "event.unregister", s, ["nosuch"])
    run.call("register text", "event.register", s, "task", keep=untracked)
    run.call("register number", "event.register", s, [1], keep=untracked)
    run.call("register too few", "event.register", s)
    run.call("next too many", "event.next", s, "x", keep=untracked)
    run.call("register star", "event.register", s, ["*"])
    b = new(run, s, "scenario legacy star")
    time.sleep(0.3)
    run.call("star add", "event.next", s, keep=legacy(b))
    run.call("star and from", "event.from", s, ["task/" + b], "", 1.0, keep=mine(b))
    run.call("unregister star", "event.unregister", s, ["*"])
    other = run.login()
    run.call("register one reference", "event.register", other, ["task/" + b])
    run.quiet("task.set_progress", s, b, 0.5)
    time.sleep(0.3)
    run.call("mod of one reference", "event.next", other, keep=legacy(b))
    timer = threading.Timer(0.3, lambda: run.quiet("session.logout", other))
    timer.start()
    run.call("logout wakes next", "event.next", other, keep=code_of)
    timer.join()
    run.call("inject another class", "event.inject", s, "VM", b, keep=untracked)
    run.call("inject unknown class", "event.inject", s, "nosuch", b, keep=untracked)
    end(run, s, b)


# Asynchronous messages


def ended(run, s, name, task):
    """Record the end of an asynchronous task."""
    for _attempt in range(100):
        if run.quiet("task.get_status", s, task) != "pending":
            break
        time.sleep(0.05)
    record = run.quiet("task.get_record", s, task) or {}
    run.record(
        name,
        [
            record.get(k)
            for k in (
                "name_label",
                "name_description",
                "status",
                "progress",
                "type",
                "result",
                "error_info",
                "subtask_of",
                "other_config",
                "current_operations",
            )
        ],
    )
    run.quiet("task.destroy", s, task)


def asynchronous(run):
    s = run.login()
    for name, method, *params in (
        ("text for a boolean", "Async.VM.start", MISSING_REF, "yes", False),
        ("number for a boolean", "Async.VM.start", MISSING_REF, 1, False),
        ("number for a reference", "Async.VM.start", 7, False, False),
        ("map for a reference", "Async.VM.start", {"a": "b"}, False, False),
        ("text for a map", "Async.host.call_plugin", MISSING_REF, "p", "f", "x"),
        ("too few", "Async.VM.clone", MISSING_REF),
        ("too many", "Async.VM.clone", MISSING_REF, "n", "x"),
        ("getter", "Async.VM.get_name_label", MISSING_REF),
        ("login", "Async.session.login_with_password", "root"),
        ("logout", "Async.session.logout"),
        ("task made", "Async.task.create", "l", "d"),
        ("next", "Async.event.next"),
        ("class alone", "Async.VM"),
        ("nothing", "Async."),
        ("lower case", "async.VM.start", MISSING_REF, False, False),
        ("lower class", "Async.vm.start", MISSING_REF, False, False),
        ("upper method", "Async.VM.Start", MISSING_REF, False, False),
        ("twice", "Async.Async.VM.start", MISSING_REF, False, False),
        ("internal", "InternalAsync.VM.start", MISSING_REF, False, False),
    ):
        value = run.call(name, method, s, *params, keep=started)
        if isinstance(value, str) and value.startswith("OpaqueRef:"):
            ended(run, s, name + " in the end", value)
    for name, method, *params in (
        ("missing VM", "Async.VM.clean_shutdown", MISSING_REF),
        ("missing VM to clone", "Async.VM.clone", MISSING_REF, "n"),
        ("missing VDI", "Async.VDI.destroy", MISSING_REF),
        ("missing SR", "Async.SR.scan", MISSING_REF),
        ("missing host", "Async.host.disable", MISSING_REF),
        ("null VM", "Async.VM.start", "OpaqueRef:NULL", False, False),
        ("empty VM", "Async.VM.start", "", False, False),
    ):
        value = run.call(name, method, s, *params, keep=started)
        if isinstance(value, str) and value.startswith("OpaqueRef:"):
            ended(run, s, name + " in the end", value)
    run.call("not logged in", "Async.VM.start", "OpaqueRef:garbage", MISSING_REF, False, False)


# Tasks


def setters_of_a_task(run):
    if run.proto == "json1":
        return
    s = run.login()
    t = new(run, s, "scenario setters")
    for status in ("cancelling", "failure", "pending", "cancelled", "success"):
        run.call("status " + status, "task.set_status", s, t, status)
        run.record(
            "after " + status,
            [
                run.quiet("task.get_status", s, t),
                run.quiet("task.get_progress", s, t),
                "1970" in str(run.quiet("task.get_finished", s, t)),
                run.quiet("task.get_allowed_operations", s, t),
            ],
        )
    run.call("status empty", "task.set_status", s, t, "", keep=untracked)
    run.call("status number", "task.set_status", s, t, 1, keep=untracked)
    run.call("status blank", "task.set_status", s, t, "success ", keep=untracked)
    for name, value in (
        ("text of a number", "0.5"),
        ("text of an integer", "1"),
        ("text NaN", "nan"),
        ("text infinity", "inf"),
        ("text", "x"),
        ("empty", ""),
        ("true", True),
        ("list", [0.5]),
        ("large", 1e300),
        ("tiny", 1e-300),
        ("tenth", 0.1),
        ("minus zero", -0.0),
        ("integer", 2),
    ):
        run.call("progress " + name, "task.set_progress", s, t, value, keep=untracked)
        run.call("progress after " + name, "task.get_progress", s, t)
    for name, value in (("number", 5), ("list", ["a"]), ("long", "x" * 5000), ("empty", "")):
        run.call("result " + name, "task.set_result", s, t, value, keep=untracked)
        run.record("result after " + name, run.quiet("task.get_result", s, t))
    for name, value in (
        ("text", "CODE"),
        ("numbers", [1, 2]),
        ("nested", [["a"]]),
        ("blanks", ["", " "]),
        ("map", {"a": "b"}),
    ):
        run.call("error " + name, "task.set_error_info", s, t, value, keep=untracked)
        run.record("error after " + name, run.quiet("task.get_error_info", s, t))
    for name, *params in (
        ("set_name_label", "x"),
        ("set_name_description", "x"),
        ("set_type", "x"),
        ("set_finished", "x"),
        ("set_created", "x"),
        ("set_subtask_of", MISSING_REF),
        ("set_resident_on", MISSING_REF),
        ("set_uuid", "x"),
        ("set_backtrace", "x"),
        ("set_current_operations", {}),
        ("set_allowed_operations", []),
    ):
        run.call(name, "task." + name, s, t, *params, keep=untracked)
    run.record("backtrace", run.quiet("task.get_backtrace", s, t))
    end(run, s, t)


def making_and_ending_tasks(run):
    s = run.login()
    t = run.call("empty label", "task.create", s, "", "")
    run.call("record", "task.get_record", s, t)
    end(run, s, t)
    t = run.call("control characters", "task.create", s, "a\u0001b\u0000c", "")
    if t:
        run.call("control characters read", "task.get_name_label", s, t, keep=untracked)
        end(run, s, t)
    t = run.call("not in the first plane", "task.create", s, "\U0001f600", "")
    run.call("not in the first plane read", "task.get_name_label", s, t)
    end(run, s, t)
    run.call("true for a label", "task.create", s, True, "", keep=untracked)
    run.call("float for a label", "task.create", s, 1.5, "", keep=untracked)
    run.call("extra argument", "task.create", s, "l", "d", "x", keep=untracked)
    t = new(run, s, "scenario end")
    run.call("cancel by uuid", "task.cancel", s, run.quiet("task.get_uuid", s, t))
    run.call("cancel of null", "task.cancel", s, "OpaqueRef:NULL")
    run.call("cancel of nothing", "task.cancel", s, "")
    run.call("cancel of a session", "task.cancel", s, s, keep=code_of)
    run.call("cancel", "task.cancel", s, t)
    run.record(
        "operations", sorted((run.quiet("task.get_current_operations", s, t) or {}).values())
    )
    run.call("destroy after cancel", "task.destroy", s, t)
    run.record(
        "operations after destroy",
        sorted((run.quiet("task.get_current_operations", s, t) or {}).values()),
    )
    run.call("cancelling", "task.set_status", s, t, "cancelling")
    run.call("cancel while cancelling", "task.cancel", s, t)
    run.record(
        "operations in the end",
        sorted((run.quiet("task.get_current_operations", s, t) or {}).values()),
    )
    run.call("to success", "task.set_status", s, t, "success")
    run.record(
        "operations after success",
        sorted((run.quiet("task.get_current_operations", s, t) or {}).values()),
    )
    run.call("cancel after success", "task.cancel", s, t)
    run.call("asynchronous cancel after success", "Async.task.cancel", s, t, keep=code_of)
    run.call("status in the end", "task.get_status", s, t)
    run.call("destroy of null", "task.destroy", s, "OpaqueRef:NULL")
    run.call("destroy of nothing", "task.destroy", s, "")
    run.call("destroy", "task.destroy", s, t)
    run.call("cancel after destroy", "task.cancel", s, t)
    run.call("names in another case", "Task.get_all", s)
    run.call("method in another case", "task.Get_all", s)
    run.call("blank before", " task.get_all", s)
    run.call("no dot", "task", s)
    run.call("no name", "", s)
    run.call("three parts", "task.get.all", s)


# Other classes


def sessions_in_detail(run):
    s = run.login("scenario")
    for name, params in (
        ("no arguments", ()),
        ("five arguments", (run.user, run.password, "1.0", "x", "y")),
        ("three arguments", (run.user, run.password, "1.0")),
        ("another version", (run.user, run.password, "99.0", "x")),
        ("empty version", (run.user, run.password, "", "")),
        ("number for a user", (7, run.password)),
        ("number for a password", (run.user, 7)),
        ("list for a user", (["root"], run.password)),
    ):
        run.call(
            "login with " + name,
            "session.login_with_password",
            *params,
            keep=lambda x: untracked(x) if code_of(x) != "success" else "success",
        )
    for field in (
        "this_user",
        "subject",
        "pool",
        "is_local_superuser",
        "auth_user_sid",
        "auth_user_name",
        "originator",
        "client_certificate",
        "other_config",
        "parent",
        "rbac_permissions",
        "tasks",
    ):
        run.call("get_" + field, "session.get_" + field, s, s)
    run.call(
        "record",
        "session.get_record",
        s,
        s,
        keep=lambda x: sorted(
            x["body"]["result"] if isinstance(x["body"], dict) else x["body"][1]["Value"][1]
        ),
    )
    run.call("all", "session.get_all", s)
    run.call("all records", "session.get_all_records", s)
    run.call("by missing uuid", "session.get_by_uuid", s, MISSING_UUID)
    run.call("record of a missing one", "session.get_record", s, MISSING_REF)
    run.call("slave login", "session.slave_login", MISSING_REF, "not the secret", keep=untracked)
    run.call("local login", "session.slave_local_login", "not the secret", keep=untracked)
    run.call("subjects", "session.get_all_subject_identifiers", s, keep=code_of)
    run.call(
        "logout of a missing subject",
        "session.logout_subject_identifier",
        s,
        "nobody of that name",
        keep=untracked,
    )
    run.call("add to other_config", "session.add_to_other_config", s, s, "k", "v")
    run.call("add to other_config again", "session.add_to_other_config", s, s, "k", "v")
    run.call("other_config reads", "session.get_other_config", s, s)
    other = run.login("scenario")
    run.call("another session's user", "session.get_auth_user_name", s, other)
    run.call("logout with an argument", "session.logout", s, s, keep=untracked)
    run.call("logout of nothing", "session.logout", "")
    run.call("logout without any", "session.logout")
    run.call("logout of a number", "session.logout", 5, keep=untracked)
    run.call("logout of null", "session.logout", "OpaqueRef:NULL")
    run.call("local logout", "session.local_logout", other, keep=untracked)
    run.call("logout of all", "session.logout", other)
    run.call("user after the logout", "session.get_auth_user_name", s, other, keep=untracked)
    if run.proto != "xml":
        run.call(
            "methods",
            "system.listMethods",
            keep=lambda x: (
                "task.get_all_records" in json.dumps(x) and "event.from" in json.dumps(x)
            ),
        )
        run.call(
            "methods with a session",
            "system.listMethods",
            s,
            keep=lambda x: "task.cancel" in json.dumps(x),
        )
    run.call("help", "system.methodHelp", "task.cancel", keep=untracked)


# Operations on missing objects, and on a VM in the wrong state


def operations_on_nothing(run):
    if run.proto != "json2":
        return
    s = run.login()
    for method, *params in (
        ("VM.start", False, False),
        ("VM.clean_shutdown",),
        ("VM.hard_shutdown",),
        ("VM.shutdown",),
        ("VM.clean_reboot",),
        ("VM.hard_reboot",),
        ("VM.suspend",),
        ("VM.resume", False, False),
        ("VM.pause",),
        ("VM.unpause",),
        ("VM.snapshot", "n"),
        ("VM.checkpoint", "n"),
        ("VM.clone", "n"),
        ("VM.copy", "n", "OpaqueRef:NULL"),
        ("VM.provision",),
        ("VM.destroy",),
        ("VM.pool_migrate", MISSING_REF, {}),
        ("SR.scan",),
        ("SR.forget",),
        ("SR.destroy",),
        ("VDI.snapshot",),
        ("VDI.clone",),
        ("VDI.copy", MISSING_REF),
        ("VDI.resize", 1),
        ("VDI.destroy",),
        ("host.disable",),
        ("host.enable",),
        ("host.evacuate",),
        ("host.reboot",),
        ("host.shutdown",),
        ("host.call_plugin", "p", "f", {}),
    ):
        for ref, which in ((MISSING_REF, "missing"), ("OpaqueRef:NULL", "null")):
            run.call(f"{method} of a {which} one", method, s, ref, *params, keep=untracked)
        task = run.call(
            method + " asynchronously", "Async." + method, s, MISSING_REF, *params, keep=code_of
        )
        if task:
            ended(run, s, method + " in the end", task)


def halted_machine(run):
    if run.proto != "json2":
        return
    s = run.login()
    vm = next(
        (
            r
            for r, v in run.quiet("VM.get_all_records", s).items()
            if v["power_state"] == "Halted"
            and not v["is_a_template"]
            and not v["is_control_domain"]
            and not v["is_a_snapshot"]
        ),
        None,
    )
    for method, *params in (
        ("VM.clean_shutdown",),
        ("VM.hard_shutdown",),
        ("VM.shutdown",),
        ("VM.clean_reboot",),
        ("VM.hard_reboot",),
        ("VM.suspend",),
        ("VM.resume", False, False),
        ("VM.pause",),
        ("VM.unpause",),
        ("VM.checkpoint", "n"),
        ("VM.provision",),
    ):
        run.call(method, method, s, vm, *params, keep=untracked)
        task = run.call(method + " asynchronously", "Async." + method, s, vm, *params, keep=code_of)
        if task:
            ended(run, s, method + " in the end", task)
    run.call("state", "VM.get_power_state", s, vm)
    run.call("operations", "VM.get_current_operations", s, vm)
    run.call("where it is", "VM.get_resident_on", s, vm)


# Headers that say which task a call is part of


# Roles


SCENARIOS = [
    event_arguments,
    legacy_events,
    asynchronous,
    setters_of_a_task,
    making_and_ending_tasks,
    sessions_in_detail,
    operations_on_nothing,
    halted_machine,
]
