#!/usr/bin/python3
"""Measures what `muster list` and `muster run` cost: a list of 5 000 tests, an empty test on nodes that are up, a process.

usage: bench/runs/figures.py [--programs DIR] [--times N] [--out FILE]

DIR has `muster` and bench_case, a program of one test, and `../bench` has bench_many_tests, of 100 suites with 50 tests each.
Each figure is the median of N times. An empty test takes a node of a live cluster and does nothing with it; all of the
run's records are written. What a test costs within a process is taken from runs of 1 and 50 tests of one suite, and what
one costs with a process of its own from runs that repeat one test, which then has a process each time. Exit status: 0 all
was measured, 1 something was not.
"""
import argparse
import json
import pathlib
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALL_SECONDS = 120
PROCESSES = 25
TESTS = 50


class Failed(Exception):
    """Something could not be measured."""


def call(words, directory):
    """Runs words in a directory, and returns the seconds that it took and what it printed."""
    begin = time.monotonic()
    done = subprocess.run(words, cwd=directory, capture_output=True, text=True, check=False, timeout=CALL_SECONDS)
    seconds = time.monotonic() - begin
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, words))}: status {done.returncode}: {done.stderr.strip()[-500:]}")
    return seconds, done.stdout


def median(times, work):
    """The median of the seconds that work() returns."""
    return statistics.median(work() for _ in range(times))


class Figures:
    """What is measured, in a directory of its own."""

    def __init__(self, programs, times, directory):
        self.muster = programs / "muster"
        self.tests = programs.parent / "bench"
        self.times, self.directory = times, directory
        self.cluster = f"bench-{secrets.token_hex(4)}"

    def listing(self):
        """The list of 5 000 tests, and what the program itself needs to print gtest's list."""

        def count():
            seconds, printed = call([self.muster, "list", "--bin-dir", self.tests, "--count"], self.directory)
            if printed.strip() != "5000":
                raise Failed(f"muster list: {printed.strip()} tests instead of 5000")
            return seconds

        own = median(self.times, lambda: call([self.tests / "bench_many_tests", "--gtest_list_tests"],
                                              self.directory)[0])
        return {"list of 5 000 tests": median(self.times, count), "gtest's own list of them": own}

    def _run(self, programs, words, tests):
        """A run of that many tests, in seconds; its records are looked at, and removed."""
        run = pathlib.Path(self.directory) / "run"
        seconds, printed = call([self.muster, "run", "--bin-dir", programs, "--cluster", self.cluster, "--run-dir", run,
                                 "--no-page", "--json", *words], self.directory)
        result = json.loads(printed)
        attempts = sum(test["attempts"] for test in result["tests"] if test["outcome"] == "passed")
        if not result["whole"] or attempts != tests:
            raise Failed(f"muster run {' '.join(words)}: {attempts} of {tests} passed, whole: {result['whole']}")
        shutil.rmtree(run)
        return seconds

    def runs(self):
        """Empty tests on a cluster that is up."""
        case = pathlib.Path(self.directory) / "case"
        case.mkdir()
        (case / "case_tests").symlink_to(self.muster.parent / "bench_case")
        call([self.muster, "up", ROOT / "config" / "local.yaml", "--name", self.cluster], self.directory)
        try:
            first = median(self.times, lambda: self._run(self.tests, ["Many0Test.Case0"], 1))
            all_of_it = median(self.times, lambda: self._run(self.tests, ["Many0Test"], TESTS))
            one = median(self.times, lambda: self._run(case, [], 1))
            many = median(self.times, lambda: self._run(case, ["--repeat", str(PROCESSES)], PROCESSES))
        finally:
            call([self.muster, "down", self.cluster], self.directory)
        return {"`muster run` of one empty test, from nothing to its end": one,
                "an empty test, within a process": (all_of_it - first) / (TESTS - 1),
                "an empty test, with a process of its own": (many - one) / (PROCESSES - 1)}


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build" / "release" / "bin")
    parser.add_argument("--times", type=int, default=9)
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    measured, status = {}, 0
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as directory:
        figures = Figures(options.programs.resolve(), options.times, directory)
        for work in (figures.listing, figures.runs):
            try:
                measured.update(work())
            except (Failed, subprocess.TimeoutExpired) as failure:
                print(f"not measured: {failure}", file=sys.stderr)
                status = 1
    for name, seconds in measured.items():
        print(f"{name}: {1000 * seconds:.1f} ms")
    if options.out is not None:
        options.out.write_text(json.dumps({"seconds": measured, "times": options.times}, indent=1) + "\n", encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
