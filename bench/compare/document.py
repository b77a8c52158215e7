#!/usr/bin/python3
"""Writes docs/reference/performance.md and its plots from the data of one run of compare.py.

usage: bench/compare/document.py build/results/latest/data.json [--notes bench/compare/notes.json] [--to docs/reference]
"""
import argparse
import json
import pathlib
import sys

from report import TITLES, human, plot, summarize, table, works_of

INTRODUCTION = """# Performance

This page is generated from measured data; do not edit it. `./dev bench` measures, and
`bench/compare/document.py build/results/latest/data.json` writes the page. `./dev bench --check` fails when a change
makes something slower than `bench/budget.json` allows.

All peers and Muster ran on one machine, over loopback, in turns, in one run, in a network namespace of their own. Muster
ran with everything on that it promises: front and keeper as two processes, certificates on both sides where it says TLS,
a record of each effect in the audit log, output with check sums and digests, sessions with leases, a job group and a
deadline for each command. gRPC and rpyc ran without encryption, without deadlines and without clean-up.

Absolute times hold for this machine in that hour. The ratio to the floor is what carries over: it is taken round by round,
between measurements that are less than a few seconds apart. The floor is what the machine itself needs, without any RPC.
"""


def machine_text(found):
    machine = found["machine"]
    lines = [f"Machine: {machine['cpus']} × {machine['cpu']}, {machine['memory_gib']} GiB, {machine['system']}, kernel "
             f"{machine['kernel']}; load {machine['load_before']:.1f} before the run. Measured at {found['at']} (UTC), in "
             f"{found['seconds']:.0f} s, mode *{found['mode']}*. The large file has {found['file_bytes'] >> 20} MiB."]
    if machine["load_before"] > machine["cpus"] / 2:
        lines.append("\n**The machine was busy with other work during this run**: spreads are wide, and whatever crosses "
                     "several processes looks slower than it is on a quiet machine.")
    versions = ", ".join(f"{name} {version}" for name, version in sorted(found["versions"].items()))
    lines += ["\n" + note for note in found.get("notes", [])]
    return "\n".join(lines) + f"\n\nVersions: {versions}.\n"


def find(rows, work, peer):
    return next((row for row in rows if row["work"] == work and row["peer"] == peer), None)


def times_faster(rows, work, peer, mine):
    ours, theirs = find(rows, work, mine), find(rows, work, peer)
    if not ours or not theirs:
        return None
    if work.endswith("rate"):
        return ours["median"] / theirs["median"]
    return theirs["median"] / ours["median"]


def goals_text(rows, notes):
    """Each goal with what was measured, and the written reason where it was missed."""
    lines = ["| goal | measured | |", "|---|---|---|"]
    reasons = []
    for goal in notes["goals"]:
        if "ratio_most" in goal:
            row = find(rows, goal["work"], goal["peer"])
            value = row.get("ratio") if row else None
            held = value is not None and value <= goal["ratio_most"]
            text = f"{goal['text']}: at most {goal['ratio_most']} × floor"
            shown = f"{value:.2f} ×" if value is not None else "not measured"
        else:
            value = times_faster(rows, goal["work"], goal["than"], goal["peer"])
            held = value is not None and value >= goal["faster_least"]
            text = f"{goal['text']}: at least {goal['faster_least']} × faster than {goal['than']}"
            shown = f"{value:.1f} ×" if value is not None else "not measured"
        lines.append(f"| {text} | {shown} | {'met' if held else 'not measured' if value is None else '**missed**'} |")
        if value is not None and not held and goal.get("reason") and goal["reason"] not in reasons:
            reasons.append(goal["reason"])
    text = "\n".join(lines) + "\n"
    if reasons:
        text += "\nWhy goals are missed:\n\n" + "\n".join(f"- {reason}" for reason in reasons) + "\n"
    return text


def memory_text(found):
    lines = ["| | processes | resident | of it anonymous |", "|---|---|---|---|"]
    for item in found["memory"]:
        parts = item["processes"]
        if parts:
            lines.append(f"| {item['what']} | {len(parts)} | {sum(part['rss'] for part in parts) / 1024:.1f} MiB | "
                         f"{sum(part['anonymous'] for part in parts) / 1024:.1f} MiB |")
    text = "\n".join(lines) + "\n"
    muster = found.get("muster") or {}
    starts = muster.get("agent_start_to_listening_seconds")
    if starts:
        text += f"\nAn agent listens {starts['median'] * 1000:.0f} ms after it was started (median of {len(starts['samples'])}).\n"
    if muster.get("connects"):
        text += ("\n| nodes | new connections, TLS | until all are connected | controller's memory for each |\n"
                 "|---|---|---|---|\n")
        for one in muster["connects"]:
            each = (one["controller"]["anonymous"] - one["controller_before"]["anonymous"]) / one["new"]
            text += f"| {one['nodes']} | {one['new']} | {human('', one['seconds'])} | {each:.0f} KiB |\n"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).resolve()
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--notes", type=pathlib.Path, default=here.parent / "notes.json")
    parser.add_argument("--to", type=pathlib.Path, default=here.parents[2] / "docs/reference")
    arguments = parser.parse_args()
    found = json.loads(arguments.data.read_text(encoding="utf-8"))
    notes = json.loads(arguments.notes.read_text(encoding="utf-8"))
    rows = summarize(found)
    plots = arguments.to / "performance"
    plots.mkdir(parents=True, exist_ok=True)
    parts = [INTRODUCTION, machine_text(found), "## Goals\n", goals_text(rows, notes)]
    for work in works_of(rows):
        (plots / f"{work}.svg").write_text(plot(rows, work), encoding="utf-8")
        note = notes["works"].get(work, "")
        parts.append(f"## {TITLES[work][0]}\n\n![{TITLES[work][0]}](performance/{work}.svg)\n\n{table(rows, work)}\n"
                     + (f"\n{note}\n" if note else ""))
    parts.append("## Goals that this run does not measure\n\n" + "\n".join(f"- {one}" for one in notes["unmeasured"]) + "\n")
    parts += ["## Memory and start\n", memory_text(found)]
    if found["failures"]:
        parts.append("## Not measured\n\n" + "\n".join(
            f"- {one['work']}, {one['peer']}: {one['reason'][:200]}" for one in found["failures"]) + "\n")
    (arguments.to / "performance.md").write_text("\n".join(parts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
