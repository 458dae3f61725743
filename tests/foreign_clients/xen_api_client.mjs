// Copyright: xen.xapi contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Use Xen Orchestra's client library as it is, and print what it answered as one line of JSON.
// Arguments: the URL of the pool, the folder with node_modules.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [url, folder] = process.argv.slice(2);
const found = createRequire(`${folder}/package.json`).resolve("xen-api");
const { createClient } = await import(pathToFileURL(found));

const xapi = createClient({ url, auth: { user: "root", password: "xapi-secret" } });
await xapi.connect();
await xapi.objectsFetched;
const all = () => Object.values(xapi.objects.all);
const vm = all().find((one) => one.$type === "VM" && one.name_label === "db-1");
const answer = {
  objects: all().length,
  host: xapi.pool.$master.name_label,
  disks: vm.$VBDs.filter((vbd) => !vbd.empty).map((vbd) => vbd.$VDI.$SR.name_label),
};

await xapi.setField("VM", vm.$ref, "name_label", "renamed");
await xapi.barrier(vm.$ref);
answer.renamed = xapi.getObject(vm.$ref).name_label;
await xapi.setFieldEntry("VM", vm.$ref, "other_config", "key", "value");

const snapshot = await xapi.callAsync("VM.snapshot", vm.$ref, "taken");
await xapi.barrier(snapshot);
answer.snapshot = xapi.getObject(snapshot).$snapshot_of.$ref === vm.$ref;

const task = await xapi.createTask("mine", "");
const watched = xapi.watchTask(task);
await xapi.call("task.set_result", task, "<value>done</value>");
await xapi.call("task.set_status", task, "success");
answer.watched = await watched;

try {
  await xapi.call("VM.start", snapshot, false, false);
} catch (error) {
  answer.refused = error.code;
}

const exported = await xapi.getResource("/export/", { query: { ref: snapshot } });
const body = exported.body ?? exported;
answer.exported = 0;
for await (const chunk of body) {
  answer.exported += chunk.length;
}

await xapi.disconnect();
console.log(JSON.stringify(answer));
process.exit(0);
