# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

"""The style of the page, for light and dark screens, narrow and wide ones, and for paper."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --back: #ffffff; --text: #1b1f24; --soft: #57606a; --line: #d0d7de; --panel: #f6f8fa;
  --running: #54aeff; --done: #0969da; --success: #2da44e; --failure: #cf222e;
  --cancelled: #9a6700; --unknown: #8c959f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0d1117; --text: #e6edf3; --soft: #9198a1; --line: #3d444d; --panel: #151b23;
    --running: #1f4f8f; --done: #4493f8; --success: #3fb950; --failure: #f85149;
    --cancelled: #d29922; --unknown: #6e7681;
  }
}
* {
  box-sizing: border-box;
}
body {
  margin: 0; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif;
}
main {
  max-width: 1200px; margin: 0 auto; padding: 1rem;
}
h1 {
  margin: 0.5rem 0; font-size: 1.5rem; overflow-wrap: anywhere;
}
h2 {
  margin: 2rem 0 0.5rem; font-size: 1.15rem;
}
.state {
  display: inline-block; margin: 0; padding: 0.15rem 0.7rem; border-radius: 1rem;
  color: var(--back); font-weight: 600;
}
.state.failed {
  background: var(--failure);
}
.state.ok {
  background: var(--success);
}
.message, .warning {
  padding: 0.6rem 0.8rem; background: var(--panel); border-left: 4px solid var(--line);
  overflow-wrap: anywhere;
}
.warning {
  border-left-color: var(--cancelled);
}
dl {
  display: flex; flex-wrap: wrap; gap: 0.5rem 2rem;
}
dt {
  color: var(--soft); font-size: 0.85rem;
}
dd {
  margin: 0; overflow-wrap: anywhere;
}
.scroll {
  overflow-x: auto; border: 1px solid var(--line); border-radius: 6px;
}
.image {
  padding: 0.5rem;
}
svg {
  display: block; width: 100%; min-width: 680px; height: auto; font: 12px system-ui, sans-serif;
}
svg text {
  fill: var(--text);
}
svg .name {
  text-anchor: end;
}
svg .tick {
  fill: var(--soft); text-anchor: middle; font-size: 11px;
}
svg .grid {
  stroke: var(--line);
}
svg .running {
  fill: var(--running);
}
svg .done {
  fill: var(--done);
}
svg .success {
  fill: var(--success);
}
svg .failure {
  fill: var(--failure);
}
svg .cancelled {
  fill: var(--cancelled);
}
svg .unknown {
  fill: var(--unknown);
}
table {
  width: 100%; border-collapse: collapse; font-size: 0.85rem;
}
th, td {
  padding: 0.35rem 0.6rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line);
}
td {
  white-space: nowrap;
}
td:nth-child(2), td:nth-child(3), td:nth-child(9) {
  min-width: 8rem; max-width: 22rem; white-space: normal; overflow-wrap: anywhere;
}
td:nth-child(2) {
  min-width: 14rem;
}
th {
  background: var(--panel); color: var(--soft); white-space: nowrap;
}
tr.failure td:first-child {
  box-shadow: inset 4px 0 var(--failure);
}
tr.running td:first-child {
  box-shadow: inset 4px 0 var(--running);
}
@media print {
  .scroll {
    overflow: visible;
  }
}
"""
