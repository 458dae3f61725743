# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the subject of a commit message: a Conventional Commit in the imperative."""

from __future__ import annotations

import re
import sys
from pathlib import Path

MAX_LENGTH = 72
TYPES = ("build", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test")
SUBJECT = re.compile(rf"(?:{'|'.join(TYPES)})(?:\([a-z0-9_-]+\))?!?: (?P<verb>\S+) \S.*")
# Words that begin a statement about the code instead of describing the commit.
NO_VERBS = {
    *("a", "all", "an", "any", "each", "every", "it", "no", "nobody", "nothing", "of", "one"),
    *("only", "some", "that", "the", "there", "these", "this", "those", "what", "when", "whoever"),
}
OTHER_FORMS = re.compile(r"[a-z]+(?:ing|ed|[^s]es|izes)")
IMPERATIVES = {"bring", "embed", "exceed", "feed", "need", "proceed", "seed", "shed", "speed"}
GENERATED = re.compile(r"(?:Merge|Revert|fixup!|squash!) ")


def problems(subject: str) -> list[str]:
    """Return the reasons for which a subject is refused; none for a good one."""
    if GENERATED.match(subject):
        return []
    found = []
    if len(subject) > MAX_LENGTH:
        found.append(f"has {len(subject)} characters; {MAX_LENGTH} are allowed")
    match = SUBJECT.fullmatch(subject)
    if match is None:
        return [*found, f"must be 'TYPE: do something', with TYPE one of {', '.join(TYPES)}"]
    verb = match["verb"]
    if verb in NO_VERBS or (verb not in IMPERATIVES and OTHER_FORMS.fullmatch(verb)):
        found.append(f"must say what the commit does, in the imperative, not {verb!r}")
    if verb != verb.lower():
        found.append(f"must begin with a small letter, not {verb!r}")
    if subject.endswith("."):
        found.append("must not end with a full stop")
    return found


def main(message: str) -> int:
    lines = Path(message).read_text(encoding="utf-8").splitlines() or [""]
    found = problems(lines[0])
    for problem in found:
        print(f"The subject {lines[0]!r} {problem}.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
