"""What `compare` shows: the machine, one table of all measurements, and notes on them."""

import os
import platform
from pathlib import Path

HEADINGS = ("", "Version", "Second votes", "Votes/s", "Of our tally", "Counts")
RIGHT_ALIGNED = {"Votes/s", "Of our tally"}
# A row's status as shown in the table.
COUNTS = {
    "right": "right",
    "promised": "locations and sum right",
    "unchecked": "not checked here",
    "wrong": "WRONG",
    "failed": "FAILED",
    "skipped": "SKIPPED",
}
BAD = {"wrong", "failed"}


def machine():
    """The machine that the figures were measured on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": _cpu_model(),
        "cores": cores,
        "memory_gib": round(gigabytes, 1),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _cpu_model():
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown"


def as_text(report):
    rows = [HEADINGS, *(_cells(row) for row in report["rows"])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_line(cells, widths) for cells in rows]
    inner = len(lines[0]) - 2
    table = [f"┌{'─' * inner}┐", lines[0], f"╞{'═' * inner}╡", *lines[1:], f"└{'─' * inner}┘"]
    return "\n".join([*table, "", *_notes(report), *_setting(report)])


def _cells(row):
    rate, ratio = row.get("votes_per_second"), row.get("ratio")
    return (
        row["name"],
        row.get("version") or "",
        row["duplicates"],
        f"{rate:,.0f}/s" if rate else "",
        f"{ratio:.2f}" if ratio else "",
        COUNTS[row["status"]],
    )


def _line(cells, widths):
    aligned = [
        cell.rjust(width) if heading in RIGHT_ALIGNED else cell.ljust(width)
        for cell, width, heading in zip(cells, widths, HEADINGS, strict=True)
    ]
    return f"│ {'   '.join(aligned)} │"


def _notes(report):
    """A line for each row whose cells need an explanation."""
    notes = []
    for row in report["rows"]:
        subject = f"{row['name']}, second votes {row['duplicates']}"
        if row["status"] == "skipped":
            notes.append(f"SKIPPED: {row['name']}: {'; '.join(row['reasons'])}")
        elif row["status"] in BAD:
            notes.append(f"{COUNTS[row['status']]}: {subject}: {'; '.join(row['reasons'])}")
        elif row["status"] == "promised":
            so = "" if row["candidates_agree"] else " not"
            notes.append(
                f"{subject}: one of a voter's votes counts, not necessarily the first. The counts by\n"
                "  location and the sum of all candidates were checked; the counts by candidate are"
                f"{so} those of the first votes."
            )
    if not any(row.get("ratio") for row in report["rows"]):
        notes.append("No ratios: `election bench --json` had no figure `tally`.")
    # A reason that both rows of a peer share is shown once.
    return [*dict.fromkeys(notes), ""] if notes else []


def _setting(report):
    machine, rounds = report["machine"], report["rounds"]
    java = f", Java {report['java']}" if report["java"] else ""
    return [
        f"{report['lines']:,} votes; {f'medians of {rounds} rounds' if rounds > 1 else 'one round'}.",
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['kernel']}.",
        f"Python {machine['python']}{java}.",
        f"Command: {report['command']}",
    ]
