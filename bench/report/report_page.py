"""Measures the page of the HTML report in headless Chromium, from a file: report_page.py SYNTHETIC_RUN WRITE_REPORT.

For each run it prints the figures that are wanted beside those that were measured: the time and the memory that writing the report
takes, the bytes of the file, the time until the list and the timeline can be used, frames of a pan, and the memory of the page.
Exits with 1 if a figure is worse than wanted, and with 77 if there is no Chromium.

A frame of a pan is measured twice: what the page itself works in it, and the time from it to the next one. The second has a floor
that is none of the page's: the same is measured on an empty page."""
import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
sys.path.insert(0, f"{ROOT}/tests_d/muster/report_page")
import browser  # noqa: E402  (found by the line above)

FRAME_MS = 1000 / 60
PAN_FRAMES = 240

# tests, intervals, and the greatest that is wanted: seconds and bytes of memory of writing, bytes of the file, milliseconds to list
# and to timeline, milliseconds of work of 95 % of the frames, bytes of memory of the page.
RUNS = [
    {"tests": 5000, "intervals": 100_000, "write": 3, "writer": 1e9, "bytes": None, "list": None, "timeline": None, "work": None,
     "memory": None},
    {"tests": 5000, "intervals": 200_000, "write": None, "writer": None, "bytes": 15e6, "list": 1000, "timeline": 2000,
     "work": FRAME_MS, "memory": None},
    {"tests": 5000, "intervals": 1_000_000, "write": None, "writer": None, "bytes": None, "list": 5000, "timeline": 5000, "work": None,
     "memory": 1e9},
]

# The times between frames of a page that does nothing.
FLOOR = """
const [frames, done] = arguments;
const gaps = [];
let last = 0;
const step = (now) => {
  if (last) gaps.push(now - last);
  last = now;
  if (gaps.length === frames) done(gaps);
  else requestAnimationFrame(step);
};
requestAnimationFrame(step);
"""

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


def write(command):
    """Runs the command, and returns its seconds and the greatest memory that it had."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return time.monotonic() - begin, usage.ru_maxrss * 1024


def measure(path):
    result = {"bytes": os.path.getsize(path)}
    with browser.Browser() as page:
        page.open("/dev/null")
        result["floor"] = page.run_async(FLOOR, PAN_FRAMES)
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


def most_of(values, share=0.95):
    """The value that this share of them does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def rows_of(run, measured):
    rows = [("writing the report, s", measured["write"], run["write"], 1), ("memory of the writer, MB", measured["writer"], run["writer"], 1e6),
            ("file, MB", measured["bytes"], run["bytes"], 1e6), ("list, ms", measured["list"], run["list"], 1),
            ("timeline, ms", measured["timeline"], run["timeline"], 1),
            ("work of a frame, median ms", statistics.median(measured["work"]), None, 1),
            ("work of a frame, 95 %, ms", most_of(measured["work"]), run["work"], 1),
            ("between frames, median ms", statistics.median(measured["gaps"]), None, 1),
            ("between frames, 95 %, ms", most_of(measured["gaps"]), None, 1),
            ("  the same of an empty page, median", statistics.median(measured["floor"]), None, 1),
            ("  the same of an empty page, 95 %", most_of(measured["floor"]), None, 1),
            ("memory of the page, MB", measured["memory"], run["memory"], 1e6)]
    broken = 0
    for name, value, limit, unit in rows:
        holds = limit is None or value <= limit
        broken += not holds
        wanted = f"<= {limit / unit:.4g}" if limit is not None else ""
        print(f"  {name:38} {value / unit:10.1f}   {wanted:12} {'' if holds else 'WORSE'}")
    return broken


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("synthetic_run")
    parser.add_argument("write_report")
    parser.add_argument("--small", action="store_true", help="not the run of 1 000 000 intervals")
    options = parser.parse_args()
    reason = browser.missing()
    if reason:
        print(f"skipped: {reason}")
        return 77
    broken = 0
    for run in RUNS[:-1] if options.small else RUNS:
        with tempfile.TemporaryDirectory(prefix="muster-report-bench-") as directory:
            subprocess.run([options.synthetic_run, directory, str(run["tests"]), str(run["intervals"])], check=True)
            report = f"{directory}/report.html"
            seconds, memory = write([options.write_report, report, ROOT, directory])
            print(f"{run['tests']} tests, {run['intervals']} intervals", flush=True)
            broken += rows_of(run, {"write": seconds, "writer": memory, **measure(report)})
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
