"""`python -m tests.corpus.score OUT LINKTABLE --key PROJECT.key`: score a run over the corpus.

`python -m tests.corpus.score --write SOURCE` writes the corpus to run over.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.corpus import archive, held_out
from tests.corpus.outputs import pairs, write
from tests.corpus.scoring import PROFILES, Judge


def main(arguments: list[str]) -> int:
    """Print the score; return 0 when every required action was done, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.corpus.score", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="OUT LINKTABLE")
    parser.add_argument("--key", type=Path, help="the project key of the run")
    parser.add_argument("--write", action="store_true", help="write the corpus to a new folder")
    parser.add_argument("--profile", default="basic", choices=sorted(PROFILES))
    parser.add_argument("--options", help="options of PS3.15 in place of the profile's", nargs="*")
    parser.add_argument("--held-out", action="store_true", help="the second corpus")
    parser.add_argument("--all", action="store_true", help="list every action that was not done")
    given = parser.parse_args(arguments)
    corpus = held_out if given.held_out else archive
    files = corpus.build()
    if given.write:
        write(files, given.folders[0])
        return 0
    options = PROFILES[given.profile] if given.options is None else frozenset(given.options)
    cast = {person.key: person for person in corpus.CAST}
    target, link_table = given.folders
    score = Judge(options, cast).judge(pairs(files, target, link_table, given.key))
    print("\n".join(score.lines()))
    limit = len(score.findings) if given.all else 40
    for finding in score.findings[:limit]:
        print(f"{finding.category}: {finding.path}: {finding.problem} [{finding.source}]")
    return 1 if score.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
