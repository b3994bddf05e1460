"""What the peers share: their arguments, the input files, the printed result, and the check of it.

The input is what `election bench votes DIRECTORY` writes: `votes-N.jsonl`, one vote a line, all votes of a
voter in one file, and `expected.json`, the right counts with second votes dropped and with them counted.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

DUPLICATES = ("counted", "dropped")
# The versions that Spark 3.5 supports, according to its documentation. Later ones removed what it calls.
SPARK_JAVA = (8, 11, 17)
# Enough to see what is wrong; all locations would fill a screen.
SHOWN_DIFFERENCES = 3


class Unavailable(Exception):
    """This peer cannot run here; the text says why, and what to do."""


def peer_arguments(doc):
    """The arguments of one peer's script: where the votes are, and what to do about second votes."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="what `election bench votes DIRECTORY` has written")
    parser.add_argument("--duplicates", choices=DUPLICATES, default="counted", help="second votes (default: counted)")
    return parser.parse_args()


def vote_files(directory):
    files = sorted(directory.glob("votes-*.jsonl"))
    if not files:
        sys.exit(f"{directory} has no votes-*.jsonl: make them with `election bench votes {directory} --votes N`")
    return files


def read_expected(directory):
    path = directory / "expected.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(f"cannot read {path} ({error}): make it with `election bench votes {directory} --votes N`")


def print_result(args, *, peer, version, how, exact, seconds, counts, java=None):
    """Prints the one line that `compare` reads.

    `exact`: whether the peer promises to count the first of a voter's votes. Without it, the counts by candidate are
    not checked.
    """
    result = {
        "peer": peer,
        "version": version,
        "duplicates": args.duplicates,
        "how": how,
        "exact": exact,
        "seconds": seconds,
        "votes": read_expected(args.directory)["votes"],
        **counts,
    }
    if java:
        result["java"] = java
    print(json.dumps(result), flush=True)


def print_unavailable(peer, reason):
    print(json.dumps({"peer": peer, "skipped": str(reason)}), flush=True)


def differences(result, expected):
    """What is wrong with a peer's counts, as lines of text; empty if they are right."""
    right = expected["first_votes" if result["duplicates"] == "dropped" else "all_votes"]
    wrong = _different("location", result["locations"], right["locations"])
    if result["exact"]:
        return wrong + _different("candidate", result["candidates"], right["candidates"])
    # Any one of a voter's votes may be counted, but exactly one, and for a known candidate.
    strangers = result["candidates"].keys() - right["candidates"].keys()
    total = {"all candidates": sum(result["candidates"].values())}
    right_total = {"all candidates": sum(right["candidates"].values())}
    return wrong + [f"unknown candidate {name!r}" for name in sorted(strangers)] + _different("", total, right_total)


def candidates_agree(result, expected):
    """Whether the counts by candidate are those of the first votes, which an inexact peer does not promise."""
    return result["candidates"] == expected["first_votes"]["candidates"]


def _different(kind, got, right):
    names = sorted(name for name in got.keys() | right.keys() if got.get(name) != right.get(name))
    lines = [f"{kind} {name!r}: {got.get(name)} where {right.get(name)} is right".strip() for name in names]
    if len(lines) > SHOWN_DIFFERENCES:
        lines[SHOWN_DIFFERENCES:] = [f"and {len(lines) - SHOWN_DIFFERENCES} more of {kind}s"]
    return lines


def java_version(java):
    """The feature version of a `java` program (`17`), or None if it is unknown."""
    try:
        said = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError):
        return None
    version = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(version[1]) if version else None


def installed_java(environment):
    """The `java` of JAVA_HOME or of the PATH that Spark can use, or None."""
    home = environment.get("JAVA_HOME")
    found = shutil.which("java", path=environment.get("PATH"))
    candidates = [Path(home, "bin", "java")] if home else []
    candidates += [Path(found)] if found else []
    return next((java for java in candidates if java_version(java) in SPARK_JAVA), None)
