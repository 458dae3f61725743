# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configures Sphinx for the site; docs/site/build.py gathers its sources."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx

project = "xen.xapi"
html_title = "xen.xapi"
project_copyright = "xen.xapi contributors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
myst_heading_anchors = 3
pygments_style = "ansible"
# The pages of antsibull-docs have labels for pages elsewhere, such as other collections.
suppress_warnings = ["myst.header"]
nitpicky = False
MAX_ANCHOR_WORDS = 12


def drop_contents(_app: Sphinx, page: nodes.document) -> None:
    """The theme shows the contents of a page beside it, and has no place for a list of them."""
    for topic in list(page.findall(nodes.topic)):
        if "contents" in topic["classes"]:
            topic.parent.remove(topic)


def link_messages(app: Sphinx, page: nodes.document) -> None:
    """Give each message of the troubleshooting page an anchor and a link to it.

    The anchor is the beginning of the message: `#timed-out-after-600-s`.
    """
    if app.env.docname != "docs/troubleshooting":
        return
    for body in page.findall(nodes.tbody):
        for row in body.findall(nodes.row):
            paragraph = next(row.findall(nodes.paragraph))
            words = re.findall(r"[a-z0-9_]+", paragraph.astext().lower())
            anchor = "-".join(words[:MAX_ANCHOR_WORDS])
            if anchor in page.ids:
                raise ValueError(f"two messages have the anchor {anchor}")
            row["ids"].append(anchor)
            page.ids[anchor] = row
            paragraph += nodes.reference(
                "", "#", refid=anchor, classes=["message-link"], reftitle="Link to this message"
            )


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", drop_contents)
    app.connect("doctree-read", link_messages)
