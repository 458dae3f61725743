# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests that the server answers besides calls of the API (datamodel.ml, http_actions)."""

from __future__ import annotations

from typing import NamedTuple


class Action(NamedTuple):
    """A request with a handler of its own."""

    name: str
    """The permission, without `http/`; also the realm of the 401 page."""
    method: str
    path: str
    role: str
    """The least role that may send it; empty: the server does not ask for a session."""


ACTIONS = (
    Action("get_services", "GET", "/services", "read-only"),
    Action("post_services", "POST", "/services", "pool-admin"),
    Action("put_services", "PUT", "/services", "pool-admin"),
    Action("get_services_xenops", "GET", "/services/xenops", "vm-power-admin"),
    Action("post_services_xenops", "POST", "/services/xenops", "vm-power-admin"),
    Action("put_services_xenops", "PUT", "/services/xenops", "vm-power-admin"),
    Action("get_services_sm", "GET", "/services/SM", "vm-power-admin"),
    Action("post_services_sm", "POST", "/services/SM", "vm-power-admin"),
    Action("put_services_sm", "PUT", "/services/SM", "vm-power-admin"),
    Action("post_remote_db_access", "POST", "/remote_db_access", "pool-admin"),
    Action("post_remote_db_access_v2", "POST", "/remote_db_access_v2", "pool-admin"),
    Action("put_import", "PUT", "/import", "vm-admin"),
    Action("put_import_metadata", "PUT", "/import_metadata", "vm-admin"),
    Action("put_import_raw_vdi", "PUT", "/import_raw_vdi", "vm-admin"),
    Action("get_export", "GET", "/export", "vm-admin"),
    Action("get_export_metadata", "GET", "/export_metadata", "vm-admin"),
    Action("get_export_raw_vdi", "GET", "/export_raw_vdi", "vm-admin"),
    Action("connect_console", "CONNECT", "/console", "vm-operator"),
    Action("connect_console_ws", "GET", "/console", "vm-operator"),
    Action("post_cli", "POST", "/cli", ""),
    Action("get_host_backup", "GET", "/host_backup", "pool-admin"),
    Action("put_host_restore", "PUT", "/host_restore", "pool-admin"),
    Action("get_host_logs_download", "GET", "/host_logs_download", "pool-operator"),
    Action("put_pool_patch_upload", "PUT", "/pool_patch_upload", "pool-operator"),
    Action("get_vncsnapshot", "GET", "/vncsnapshot", "vm-operator"),
    Action("get_pool_xml_db_sync", "GET", "/pool/xmldbdump", "pool-admin"),
    Action("put_pool_xml_db_sync", "PUT", "/pool/xmldbdump", "pool-admin"),
    Action("get_config_sync", "GET", "/sync_config_files", "pool-admin"),
    Action("get_system_status", "GET", "/system-status", "pool-operator"),
    Action("vm_rrd", "GET", "/vm_rrd", "read-only"),
    Action("host_rrd", "GET", "/host_rrd", "read-only"),
    Action("sr_rrd", "GET", "/sr_rrd", "read-only"),
    Action("rrd_updates", "GET", "/rrd_updates", "read-only"),
    Action("put_rrd", "PUT", "/rrd", "pool-admin"),
    Action("get_blob", "GET", "/blob", ""),
    Action("put_blob", "PUT", "/blob", "vm-power-admin"),
    Action("put_messages", "PUT", "/messages", "vm-power-admin"),
    Action("connect_remotecmd", "CONNECT", "/remotecmd", "pool-admin"),
    Action("get_wlb_report", "GET", "/wlb_report", "read-only"),
    Action("get_wlb_diagnostics", "GET", "/wlb_diagnostics", "read-only"),
    Action("get_audit_log", "GET", "/audit_log", "read-only"),
    Action("get_pool_update_download", "GET", "/update/", ""),
    Action("get_repository", "GET", "/repository", "local-root"),
    Action("get_enabled_repository", "GET", "/repository/enabled", "pool-operator"),
    Action("get_host_updates", "GET", "/host_updates", "pool-operator"),
    Action("get_updates", "GET", "/updates", "pool-operator"),
    Action("put_bundle", "PUT", "/bundle", "pool-operator"),
)


def find(method: str, path: str) -> Action | None:
    """Return the action with the longest path that the path of a request begins with."""
    fit = [one for one in ACTIONS if one.method == method and path.startswith(one.path)]
    return max(fit, key=lambda one: len(one.path), default=None)
