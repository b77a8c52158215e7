#!/usr/bin/python3
"""Checks the budgets: runs muster_bench and compares the ratio of each benchmark to its floor with bench/budget.json.

usage: bench/micro/check.py [--programs DIR] [--budget FILE]

Benchmarks and floors run in random turns, five times each; the ratio is that of the medians. A budget is exceeded only
if it still is when the benchmark and its floor are measured a second time. Exit status: 0 all hold, 1 one does not.
"""
import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

REPETITIONS = 5


def measure(program, names):
    """Median real time, in ns, by name."""
    pattern = "^(" + "|".join(re.escape(name) for name in sorted(names)) + ")(/real_time|/manual_time)?$"
    with tempfile.TemporaryDirectory() as directory:
        out = pathlib.Path(directory) / "micro.json"  # What the program prints is for people.
        subprocess.run(
            [program, f"--benchmark_filter={pattern}", "--benchmark_min_time=0.1", f"--benchmark_out={out}",
             "--benchmark_out_format=json", f"--benchmark_repetitions={REPETITIONS}",
             "--benchmark_enable_random_interleaving=true"], stdout=subprocess.DEVNULL, check=True, timeout=600)
        benchmarks = json.loads(out.read_text(encoding="utf-8"))["benchmarks"]
    times = {}
    scale = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
    for one in benchmarks:
        if one["run_type"] == "iteration" and not one.get("error_occurred"):
            name = one["run_name"].removesuffix("/real_time").removesuffix("/manual_time")
            times.setdefault(name, []).append(one["real_time"] * scale[one["time_unit"]])
    return {name: statistics.median(values) for name, values in times.items()}


def names_of(budgets):
    return {budget[key] for budget in budgets for key in ("benchmark", "floor")}


def exceeded(budgets, medians):
    """Prints each ratio and returns the budgets that do not hold. A benchmark that did not run is one of them."""
    over = []
    for budget in budgets:
        mine, floor = medians.get(budget["benchmark"]), medians.get(budget["floor"])
        ratio = mine / floor if mine and floor else None
        held = ratio is not None and ratio <= budget["ratio_most"]
        text = f"{ratio:.2f}" if ratio is not None else "not measured"
        print(f"{'ok  ' if held else 'OVER'} {budget['benchmark']:40} {text:>12} x {budget['floor']} "
              f"(at most {budget['ratio_most']})")
        if not held:
            over.append(budget)
    return over


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=pathlib.Path, default=root / "build/release/bin")
    parser.add_argument("--budget", type=pathlib.Path, default=root / "bench/budget.json")
    arguments = parser.parse_args()
    budgets = json.loads(arguments.budget.read_text(encoding="utf-8"))["budgets"]
    program = arguments.programs.resolve() / "muster_bench"
    over = exceeded(budgets, measure(program, names_of(budgets)))
    if over:
        print("measuring these again")
        over = exceeded(over, measure(program, names_of(over)))
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
