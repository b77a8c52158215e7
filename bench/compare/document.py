#!/usr/bin/python3
"""Writes docs/reference/performance.md and its plots from the data of one run of compare.py.

usage: bench/compare/document.py build/results/latest/data.json [--notes bench/compare/notes.json] [--to docs/reference]

Beside the data it looks for micro.json (muster_bench) and instructions.json, which ./dev bench puts there.
"""
import argparse
import json
import pathlib
import sys

from curves import curve
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


def find(rows, work, peer):
    return next((row for row in rows if row["work"] == work and row["peer"] == peer), None)


def times_faster(rows, work, peer, mine):
    ours, theirs = find(rows, work, mine), find(rows, work, peer)
    if not ours or not theirs:
        return None
    if work.endswith("rate"):
        return ours["median"] / theirs["median"]
    return theirs["median"] / ours["median"]


def numbers_of(found, rows):
    """What goals with an absolute bound are about, by name."""
    muster = found.get("muster") or {}
    numbers = {}
    if muster.get("agent_start_to_listening_seconds"):
        numbers["agent start"] = muster["agent_start_to_listening_seconds"]["median"] * 1000
    agent = next((item for item in found.get("memory", []) if item["what"].startswith("Muster")), None)
    if agent:
        numbers["agent memory"] = sum(part["rss"] for part in agent["processes"]) / 1024
    connects = muster.get("connects") or []
    if connects and connects[-1]["nodes"] == 1000:
        numbers["connect 1000"] = sum(one["seconds"] for one in connects)
        numbers["memory 1000"] = (connects[-1]["controller"]["anonymous"]
                                  - connects[0]["controller_before"]["anonymous"]) / 1000
    for name, peer in (("ping all 1000", "Muster, TLS"), ("ping others 1000", "Muster, TLS, one node hangs")):
        row = find(rows, "ping-all-1000", peer)
        if row:
            numbers[name] = row["median"] * 1000
    return numbers


def goals_text(rows, notes, numbers):
    """Each goal with what was measured, and the written reason where it was missed."""
    lines = ["| goal | measured | |", "|---|---|---|"]
    reasons = []
    for goal in notes["goals"]:
        if "number" in goal:
            value = numbers.get(goal["number"])
            held = value is not None and value <= goal["most"]
            text = f"{goal['text']}: at most {goal['most']} {goal['unit']}"
            shown = f"{value:.3g} {goal['unit']}" if value is not None else "not measured"
        elif "ratio_most" in goal:
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


SCALE_CURVES = [
    ("connect", "Until all are connected, TLS", "seconds",
     [("wall clock", "connect_seconds"), ("controller's CPU", "connect_controller_cpu_seconds"),
      ("CPU of the light agents", "connect_agents_cpu_seconds")]),
    ("run", "/bin/true on all nodes", "seconds",
     [("wall clock", "true_seconds"), ("controller's CPU", "true_seconds_controller_cpu")]),
    ("fail", "A tenth of the nodes dies", "seconds",
     [("until all of them are known to be gone", "noticed_seconds"),
      ("/bin/true on the others meanwhile", "others_true_seconds"), ("until they are back", "returned_seconds")]),
    ("memory", "Memory for each connection", "KiB",
     [("controller", "controller_kib_each"), ("light agent", "agents_kib_each")]),
]


def scale_text(found, plots):
    """Curves over the number of nodes, and the limit that comes next."""
    scale = found.get("scale") or []
    if not scale:
        return ""
    most = scale[-1]
    parts = [f"## Up to {most['nodes']:,.0f} nodes\n".replace(",", " "),
             "One process plays all agents: sockets, TLS and protocol are real, and commands are answered without being run. "
             "The controller is the library that tests use, with one io thread; both processes share this machine."]
    for name, title, unit, lines in SCALE_CURVES:
        text = curve(title, unit, [(label, [(one["nodes"], one[key]) for one in scale]) for label, key in lines])
        (plots / f"scale-{name}.svg").write_text(text, encoding="utf-8")
        parts.append(f"![{title}](performance/scale-{name}.svg)")
    rows = ["| nodes | connected | controller's CPU for each | memory for each | `true` on all | heartbeats' share of a CPU | "
            "lost by itself |", "|---|---|---|---|---|---|---|"]
    for one in scale:
        each = one["connect_controller_cpu_seconds"] / one["nodes"]
        rows.append(f"| {one['nodes']:.0f} | {human('', one['connect_seconds'])} | {human('', each)} | "
                    f"{one['controller_kib_each']:.0f} KiB | {human('', one['true_seconds'])} | "
                    f"{one['heartbeats_cpu_share'] * 100:.1f} % | {one['lost_by_itself']:.0f} |")
    parts.append("\n".join(rows))
    share = most["heartbeats_cpu_share"] / most["nodes"]
    full = f"{1 / share:,.0f}".replace(",", " ")
    parts.append(f"The next limit is the io thread: a heartbeat each second costs it {share * 1e6:.0f} µs of CPU for each "
                 f"node, so that {full} nodes would fill it with nothing else to do; new connections cost "
                 f"{human('', most['connect_controller_cpu_seconds'] / most['nodes'])} each. Memory and descriptors (one "
                 f"for each node) grow in proportion and come later.")
    return "\n\n".join(parts) + "\n"


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
    parts = [INTRODUCTION, machine_text(found), "## Goals\n", goals_text(rows, notes, numbers_of(found, rows))]
    for work in works_of(rows):
        (plots / f"{work}.svg").write_text(plot(rows, work), encoding="utf-8")
        note = notes["works"].get(work, "")
        parts.append(f"## {TITLES[work][0]}\n\n![{TITLES[work][0]}](performance/{work}.svg)\n\n{table(rows, work)}\n"
                     + (f"\n{note}\n" if note else ""))
    beside = arguments.data.parent
    parts += [text for text in (scale_text(found, plots), micro_text(beside / "micro.json"),
                                instructions_text(beside / "instructions.json")) if text]
    parts.append("## Goals that this run does not measure\n\n" + "\n".join(f"- {one}" for one in notes["unmeasured"]) + "\n")
    parts += ["## Memory and start\n", memory_text(found)]
    if found["failures"]:
        parts.append("## Not measured\n\n" + "\n".join(
            f"- {one['work']}, {one['peer']}: {one['reason'][:200]}" for one in found["failures"]) + "\n")
    (arguments.to / "performance.md").write_text("\n".join(parts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
