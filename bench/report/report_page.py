"""Measures the page of the HTML report in headless Chromium, from a file: report_page.py SYNTHETIC_RUN WRITE_REPORT.

For two runs it prints what docs/reference/reports.md promises beside what was measured: the bytes of the file, the time until
the list and the timeline can be used, the share of frames of a pan that took no longer than a frame of 60 Hz, and the memory of
the page. Exits with 1 if a promise is broken, and with 77 if there is no Chromium."""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
sys.path.insert(0, f"{ROOT}/tests_d/muster/report_page")
import browser  # noqa: E402  (found by the line above)

FRAME_MS = 1000 / 60
PAN_FRAMES = 240

# tests, intervals, and the greatest allowed: bytes, milliseconds to list and to timeline, bytes of memory.
RUNS = [
    {"tests": 5000, "intervals": 200_000, "bytes": 15e6, "list": 1000, "timeline": 2000, "pan": 0.95, "memory": None},
    {"tests": 5000, "intervals": 1_000_000, "bytes": None, "list": 5000, "timeline": 5000, "pan": None, "memory": 1e9},
]

# Pans there and back at several zooms, by the page's own keys. It keeps the time that the page's own work takes in each frame,
# and the time between frames.
PAN = """
const [frames, done] = arguments;
const canvas = document.querySelector('canvas');
const work = [];
const gaps = [];
let inFrame = 0;
let last = 0;
let i = 0;
const request = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (callback) => request((now) => {
  const begin = performance.now();
  callback(now);
  inFrame += performance.now() - begin;
});
const key = (name) => canvas.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true }));
const step = (now) => {
  if (last) {
    gaps.push(now - last);
    work.push(inFrame);
  }
  inFrame = 0;
  last = now;
  if (i === frames) return done({ work, gaps });
  const begin = performance.now();
  if (i % 40 === 0) key(i < frames / 2 ? 'w' : 's');
  key(i % 80 < 40 ? 'd' : 'a');
  inFrame += performance.now() - begin;
  ++i;
  request(step);
};
request(step);
"""


def memory_of(page):
    """Resident bytes of the page's process: the greatest of all renderers that this browser has."""
    most = 0
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", encoding="utf-8", errors="replace") as file:
                command = file.read()
            if "--type=renderer" not in command or page.profile not in command:
                continue
            with open(f"/proc/{entry}/status", encoding="utf-8") as file:
                for line in file:
                    if line.startswith("VmHWM:"):
                        most = max(most, int(line.split()[1]) * 1024)
        except OSError:
            continue
    return most


def measure(path):
    result = {"bytes": os.path.getsize(path)}
    with browser.Browser() as page:
        page.open(path)
        result["list"] = int(page.wait("return document.documentElement.dataset.ready"))
        page.open(path, "#v=timeline")
        page.wait("return document.documentElement.dataset.timeline", 120)
        result["timeline"] = int(page.run("return document.documentElement.dataset.timelineReady"))
        page.wait("return document.querySelectorAll('.itemtable .vrow').length", 60)
        frames = page.run_async(PAN, PAN_FRAMES)
        result["work"] = frames["work"]
        result["gaps"] = frames["gaps"]
        result["memory"] = memory_of(page)
    return result


def share_within(values, most):
    return sum(value <= most for value in values) / max(1, len(values))


def rows_of(run, measured):
    within = share_within(measured["work"], FRAME_MS)
    rows = [("file, MB", measured["bytes"] / 1e6, run["bytes"] and run["bytes"] / 1e6, "<="),
            ("list, ms", measured["list"], run["list"], "<="), ("timeline, ms", measured["timeline"], run["timeline"], "<="),
            ("frames of a pan within 16.7 ms, %", within * 100, run["pan"] and run["pan"] * 100, ">="),
            ("work of a frame, median ms", statistics.median(measured["work"]), None, ""),
            ("between frames, median ms", statistics.median(measured["gaps"]), None, ""),
            ("memory of the page, MB", measured["memory"] / 1e6, run["memory"] and run["memory"] / 1e6, "<=")]
    broken = 0
    for name, value, limit, sign in rows:
        holds = limit is None or (value <= limit if sign == "<=" else value >= limit)
        broken += not holds
        print(f"  {name:36} {value:10.1f}   {f'{sign} {limit:g}' if limit is not None else '':12} {'' if holds else 'BROKEN'}")
    return broken


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("synthetic_run")
    parser.add_argument("write_report")
    parser.add_argument("--small", action="store_true", help="only the run of 200 000 intervals")
    options = parser.parse_args()
    reason = browser.missing()
    if reason:
        print(f"skipped: {reason}")
        return 77
    broken = 0
    for run in RUNS[:1] if options.small else RUNS:
        with tempfile.TemporaryDirectory(prefix="muster-report-bench-") as directory:
            subprocess.run([options.synthetic_run, directory, str(run["tests"]), str(run["intervals"])], check=True)
            report = f"{directory}/report.html"
            subprocess.run([options.write_report, directory, report], stdout=subprocess.DEVNULL, check=False)
            print(f"{run['tests']} tests, {run['intervals']} intervals")
            broken += rows_of(run, measure(report))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
