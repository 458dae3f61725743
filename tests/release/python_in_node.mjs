// Copyright: xen.xapi contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Run a Python file in Pyodide, which is CPython for WebAssembly, with folders of this machine.
//
// node python_in_node.mjs PYODIDE FILE COLLECTION PACKAGES

import { readFileSync } from "node:fs";

const [pyodide, file, ...folders] = process.argv.slice(2);
const { loadPyodide } = await import(pyodide);
const python = await loadPyodide({ stdout: console.log, stderr: console.error });
const places = ["/collections/ansible_collections/xen/xapi", "/packages"];
for (const [number, place] of places.entries()) {
  python.FS.mkdirTree(place);
  python.FS.mount(python.FS.filesystems.NODEFS, { root: folders[number] }, place);
}
try {
  python.runPython(readFileSync(file, "utf8"));
} catch (error) {
  // Without the minified source that Node.js would print.
  console.error(error.message);
  process.exit(1);
}
