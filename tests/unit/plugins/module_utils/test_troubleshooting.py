# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""That docs/troubleshooting.md has every message of an error."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.plugins.module_utils import _sentences
from ansible_collections.xen.xapi.plugins.module_utils._errors import CallerGone

GUIDE = Path(__file__).parents[4] / "docs" / "troubleshooting.md"
TEMPLATES = [
    *(text for kind, text in _sentences._SENTENCES.items() if kind is not CallerGone),
    *_sentences._FAILURE_SENTENCES.values(),
    _sentences._ANY_FAILURE_SENTENCE,
]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template[:40])
def test_every_message_is_in_the_guide(template):
    """Between the first two of its gaps, or as far as a sentence goes."""
    pattern = re.sub(r"\\{\w+(:\w+)?\\}", ".+?", re.escape(template))
    beginning = re.match(r"(?:\.\+\?)?.{12,}?(?=\.\+\?|[,:;]|\\\.|\\\(|$)", pattern)
    assert beginning is not None
    assert re.search(r"^\| " + beginning[0], GUIDE.read_text(), re.MULTILINE), beginning[0]
