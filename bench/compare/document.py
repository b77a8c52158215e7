#!/usr/bin/python3
"""Writes docs/reference/performance.md and its plots from the data of one run of compare.py.

usage: bench/compare/document.py build/results/latest/data.json [--notes bench/compare/notes.json] [--to docs/reference]

Beside the data it looks for micro.json (muster_bench) and instructions.json, which ./dev bench puts there.
"""
import argparse
import json
import pathlib
import sys

from goals import goals_text
from scale import scale_text
from report import TITLES, human, plot, summarize, table, works_of

INTRODUCTION = """# Performance

This page is generated from measured data; do not edit it. `./dev bench --document` measures and writes it;
`bench/compare/document.py build/results/latest/data.json` writes it again. `./dev bench --check` fails when a change
makes something slower, or need more instructions, than `bench/budget.json` allows.

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
        lines.append("\n**The machine was not idle before this run**: where it was not in the end either, spreads are wide, "
                     "and whatever crosses several processes looks slower than it is.")
    versions = ", ".join(f"{name} {version}" for name, version in sorted(found["versions"].items()))
    lines += ["\n" + note for note in found.get("notes", [])]
    return "\n".join(lines) + f"\n\nVersions: {versions}.\n"


def memory_text(found):
    lines = ["| | processes | resident | proportional | of it anonymous |", "|---|---|---|---|---|"]
    for item in found["memory"]:
        parts = item["processes"]
        if parts:
            sums = [f"{sum(part[kind] for part in parts) / 1024:.1f} MiB" for kind in ("rss", "pss", "anonymous")]
            lines.append(f"| {item['what']} | {len(parts)} | {' | '.join(sums)} |")
    text = "\n".join(lines) + "\n"
    text += ("\nResident counts a page once for each process that has it, proportional once for all of them: the two "
             "processes of an agent run one program and share most of its pages. An idle agent is one that listens and "
             "has served nobody: it gave back the pages of the program that only its start needed. What commands need "
             "of them comes again and stays, so that an agent at work has more than an idle one; after that it does "
             "not grow with the number of commands. An agent allows an identity 32 connections.\n")
    muster = found.get("muster") or {}
    starts = muster.get("agent_start_to_listening_seconds")
    if starts:
        text += f"\nAn agent listens {starts['median'] * 1000:.0f} ms after it was started (median of {len(starts['samples'])}).\n"
    if muster.get("connects"):
        text += ("\n| nodes | new connections, TLS | until all are connected | controller's memory for each | first `true` on "
                 "all |\n|---|---|---|---|---|\n")
        for one in muster["connects"]:
            each = (one["controller"]["anonymous"] - one["controller_before"]["anonymous"]) / one["new"]
            first = human("", one["first_seconds"]) if "first_seconds" in one else ""
            text += f"| {one['nodes']} | {one['new']} | {human('', one['seconds'])} | {each:.0f} KiB | {first} |\n"
    return text


def micro_text(path):
    """Benchmarks of muster_bench beside their floors in the same program."""
    if not path.exists():
        return ""
    scale = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}
    times = {}
    for one in json.loads(path.read_text(encoding="utf-8"))["benchmarks"]:
        if one["run_type"] == "iteration" and not one.get("error_occurred"):
            name = one["run_name"].replace("/real_time", "").replace("/manual_time", "")
            times.setdefault(name, one["real_time"] * scale[one["time_unit"]])
    lines = ["| benchmark | time | × floor | floor |", "|---|---|---|---|"]
    for name, seconds in times.items():
        if "/muster_" not in name:
            continue
        work, kind = name.split("/muster_", 1)
        same = f"{work}/floor_{kind.split('/')[0].split('_')[0]}"
        floor = same if same in times else next((other for other in times if other.startswith(f"{work}/floor_")), None)
        ratio = f"{seconds / times[floor]:.3g}" if floor else ""
        lines.append(f"| {name} | {human('', seconds)} | {ratio} | {floor or ''} |")
    return ("## In one program\n\n`muster_bench` starts real agents and measures beside floors of its own. Files have "
            "64 MiB, outputs 1 GiB.\n\n" + "\n".join(lines) + "\n")


def instructions_text(path):
    if not path.exists():
        return ""
    works = {}
    for one in json.loads(path.read_text(encoding="utf-8")):
        works.setdefault(one["what"], {})[one["process"]] = one["instructions"]
    lines = ["| one | controller | front | keeper | alone |", "|---|---|---|---|---|"]
    for what, counts in works.items():
        cells = [f"{counts[name]:,.0f}".replace(",", " ") if name in counts else ""
                 for name in ("controller", "front", "keeper", "alone")]
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
    return ("## Instructions\n\nCounted by callgrind in each process (user space only); the same on a busy machine. "
            "`./dev bench --check` holds them to `bench/budget.json`.\n\n" + "\n".join(lines) + "\n")


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
    parts = [INTRODUCTION, machine_text(found), "## Goals\n", goals_text(found, rows, notes)]
    for work in works_of(rows):
        (plots / f"{work}.svg").write_text(plot(rows, work), encoding="utf-8")
        note = notes["works"].get(work, "")
        parts.append(f"## {TITLES[work][0]}\n\n![{TITLES[work][0]}](performance/{work}.svg)\n\n{table(rows, work)}\n"
                     + (f"\n{note}\n" if note else ""))
    beside = arguments.data.parent
    parts += [text for text in (scale_text(found.get("scale") or [], plots, notes["scale"]), micro_text(beside / "micro.json"),
                                instructions_text(beside / "instructions.json")) if text]
    parts += ["## Memory and start\n", memory_text(found)]
    missing = found["failures"] + found.get("skips", [])
    if missing:
        parts.append("## Not measured\n\n" + "\n".join(
            f"- {one['work']}, {one['peer']}: {one['reason'][:200]}" for one in missing) + "\n")
    (arguments.to / "performance.md").write_text("\n".join(parts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
