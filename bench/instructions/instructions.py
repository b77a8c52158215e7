#!/usr/bin/python3
"""Counts the instructions of Muster's hot paths with callgrind, and compares them with bench/budget.json.

usage: bench/instructions/instructions.py [--programs DIR] [--budget FILE] [--out FILE] [--check]

Counts do not depend on how busy the machine is. Agent and controller run under callgrind, each work is done some times,
and what the processes executed in between is divided by that. The agent's command is launched by a plain clone there,
because valgrind knows no clone3. --out writes the counts as JSON; --check fails if one is over its budget or missing.
Exit status: 0 all hold, 1 one does not, 77 valgrind is not installed.
"""
import argparse
import glob
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "compare"))

from muster_peer import Agent  # pylint: disable=wrong-import-position
from processes import Failed, Scope, Worker, descendants  # pylint: disable=wrong-import-position

# Loops of bench_loops: name, how often, what one is.
LOOPS = [("frame-small", 2000, "frame of 64 bytes checked"), ("frame-bulk", 20, "frame of 512 KiB checked"),
         ("crc32c", 10, "CRC-32C of 1 MiB"), ("sha256", 2, "SHA-256 of 1 MiB"),
         ("tls", 50, "record of 16 KiB encrypted, carried and decrypted")]
FILE_MIB = 8
# Works through real processes: name, requests to bench_muster, how many of them one is divided by, what one is.
WORKS = [("call-unix", "unix", ["ping 200"], 200, "empty call, unix socket"),
         ("call-tls", "tls", ["ping 200"], 200, "empty call, TLS"),
         ("run-tls", "tls", ["exec 30"], 30, "`true`, from start to result, TLS"),
         ("output-tls", "tls", ["output 5"], 5, "command that writes 1 MiB, TLS"),
         ("push-tls", "tls", ["push-file {file} {target}"], FILE_MIB, "1 MiB of a file to the node, TLS"),
         ("pull-tls", "tls", ["pull-file {file} {target}"], FILE_MIB, "1 MiB of a file from the node, TLS"),
         ("connect-tls", "tls", [f"connect {number}" for number in range(2, 12)], 10, "connection made, TLS")]
PROCESSES = ["controller", "front", "keeper"]


class Counted(Scope):
    """Starts programs under callgrind."""

    def __init__(self, directory):
        super().__init__()
        self.directory = directory

    def start(self, argv, **options):
        return super().start(["valgrind", "--tool=callgrind", "--trace-children=yes", "--trace-children-skip=*/true,*/head",
                              f"--callgrind-out-file={self.directory}/counts.%p", f"--log-file={self.directory}/log.%p",
                              *argv], **options)


def loop(programs, directory, name, count):
    """Instructions of one turn: the difference between few and many."""
    totals = []
    for times in (count, 2 * count):
        out = f"{directory}/loop"
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", programs / "bench_loops", name,
                               str(times)], capture_output=True, text=True, check=False, timeout=300)
        if done.returncode != 0:
            raise Failed(f"bench_loops {name}: {done.stderr[-500:]}")
        totals.append(total_of(out))
    return (totals[1] - totals[0]) / count


def total_of(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        found = re.findall(r"^(?:totals|summary): (\d+)", file.read(), re.MULTILINE)
    if not found:
        raise Failed(f"{path}: no total in it")
    return int(found[-1])


class Processes:
    """Controller, front and keeper, and what each has executed since it was last asked."""

    def __init__(self, directory, agent, worker):
        self.directory = directory
        self.pids = {"controller": worker.process.pid}
        keeper, front = descendants(agent.process.pid)[:2]
        self.pids.update({"keeper": keeper, "front": front})

    def take(self):
        found = {}
        for name, pid in self.pids.items():
            before = set(glob.glob(f"{self.directory}/counts.{pid}.*"))
            subprocess.run(["callgrind_control", "--dump", str(pid)], check=True, capture_output=True, timeout=60)
            until = time.monotonic() + 30
            while not (new := set(glob.glob(f"{self.directory}/counts.{pid}.*")) - before):
                if time.monotonic() > until:
                    raise Failed(f"callgrind wrote nothing for the {name}")
                time.sleep(0.01)
            found[name] = total_of(new.pop())
        return found


def count_works(programs, directory):
    os.makedirs(f"{directory}/agent")
    with open(f"{directory}/file", "wb") as file:
        file.write(os.urandom(FILE_MIB << 20))
    plain, counted = Scope(), Counted(directory)
    found = []
    try:
        Worker(plain, [programs / "bench_muster"]).ask(f"pki {directory}/agent 1")
        agent = Agent(counted, programs / "nodeagent", f"{directory}/agent", "n1", "127.6.0.1", plain=True)
        agent.await_listening()
        workers = {transport: Worker(counted, [programs / "bench_muster"]) for transport in ("unix", "tls")}
        for transport, worker in workers.items():
            worker.name = "bench_muster"
            for _ in range(11):
                worker.ask(agent.line(transport, f"{directory}/agent"))
        for name, transport, requests, divisor, what in WORKS:
            worker = workers[transport]
            processes = Processes(directory, agent, worker)
            lines = [line.format(file=f"{directory}/file", target=f"{directory}/target") for line in requests]
            if not name.startswith("connect"):
                worker.ask(re.sub(r"\d+$", "2", lines[0]))  # Connections and caches are there afterwards.
            processes.take()
            for line in lines:
                worker.ask(line)
            counts = processes.take()
            found += [{"work": name, "what": what, "process": one, "instructions": counts[one] / divisor}
                      for one in PROCESSES]
    finally:
        # The front first: it would be killed along with its keeper.
        for scope in (counted, plain):
            scope.stop()
    return found


def count(programs):
    directory = tempfile.mkdtemp(prefix="muster-instructions-", dir="/tmp")
    try:
        found = [{"work": name, "what": what, "process": "alone", "instructions": loop(programs, directory, name, times)}
                 for name, times, what in LOOPS]
        return found + count_works(programs, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def check(budgets, found):
    counts = {(one["work"], one["process"]): one["instructions"] for one in found}
    over = 0
    for budget in budgets:
        counted = counts.get((budget["work"], budget["process"]))
        held = counted is not None and counted <= budget["instructions_most"]
        over += not held
        text = f"{counted:,.0f}" if counted is not None else "not measured"
        print(f"{'ok  ' if held else 'OVER'} {budget['work']:12} {budget['process']:11} {text:>14} instructions "
              f"(at most {budget['instructions_most']:,})")
    return 1 if over else 0


def main():
    root = HERE.parents[1]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=pathlib.Path, default=root / "build/release/bin")
    parser.add_argument("--budget", type=pathlib.Path, default=root / "bench/budget.json")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("instructions: valgrind is not installed; ./dev bench installs it", file=sys.stderr)
        return 77
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    found = count(arguments.programs.resolve())
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if arguments.check:
        return check(json.loads(arguments.budget.read_text(encoding="utf-8"))["instructions"], found)
    for one in found:
        print(f"{one['work']:12} {one['process']:11} {one['instructions']:14,.0f}  {one['what']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
