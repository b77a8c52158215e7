#!/usr/bin/python3
"""Measures Muster beside its peers on the same work, in turns, on this machine's loopback.

usage: bench/compare/compare.py [--quick] [--programs DIR] [--results DIR] [--only WORK,...] [--peers NAME,...]
       [--no-install] [--check] [--seconds N]

Installs what is missing (Debian's packages), moves into its own network, process and mount namespaces, starts every
peer there, measures each work in rounds A B A B, and writes data.json, table.md and one SVG a work. Needs root.
Everything it starts ends with it. Exit status: 0 measured, 1 a peer failed at some work (it is named), 77 cannot run.
"""
import argparse
import datetime
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from local_nodes import LocalNodes  # pylint: disable=wrong-import-position
from muster_peer import start_muster  # pylint: disable=wrong-import-position
from peers import Data, Floor, Grpc, Mitogen, Peer, Rpyc, Ssh  # pylint: disable=wrong-import-position
from processes import Failed, Scope, Skipped, descendants, memory_kib  # pylint: disable=wrong-import-position
from report import summarize, write_report  # pylint: disable=wrong-import-position
from surroundings import (enter_namespaces, install, machine, prepare_namespaces,  # pylint: disable=wrong-import-position
                          say, versions)

# Rounds are of about this many seconds a peer; the batch follows from the first, unmeasured call.
ROUND_SECONDS = {"quick": 0.1, "full": 0.25}
ROUNDS = {"quick": 7, "full": 15}
# Peers that need longer for one call take part in every third round; those that need much longer are called once.
SLOW_SECONDS, SLOW_EVERY, DEAR_SECONDS = 0.5, 3, 8
TOTAL_SECONDS = {"quick": 75, "full": 700}
SCALES = {"quick": [200], "full": [100, 1000, 2500, 5000, 10000]}
SCALE_SECONDS = {"quick": 15, "full": 150}
SAMPLES_MOST = 2000
WORKS = ["ping", "exec", "output", "output-big", "rate", "ping-rate", "push-file", "pull-file", "push-tree", "pull-tree",
         "reconnect", "four-nodes", "local-nodes", "empty-case", "fan-out-10", "fan-out-100", "fan-out-1000", "ping-all-1000", "scale"]
ONLY_FULL = ("fan-out-1000", "ping-all-1000")


class Measurement:
    """Measures works in rounds until the time is up."""

    def __init__(self, mode):
        self.mode, self.preparing = mode, 0
        self.results = []
        self.failures, self.skips = [], []

    def measure(self, work, peers, stop):
        """All `peers` in turns, until `stop` and the end of the round that is under way; who was not tried by then is
        left out. The time of preparations is added to `stop`, to this one and to all that follow."""
        begin = time.monotonic()
        peers = [peer for peer in peers if self._prepared(peer, work)]
        self.preparing += time.monotonic() - begin
        stop += self.preparing
        rounds, costs = {}, {}
        for peer in peers:
            if time.monotonic() > stop:
                self._fail(peer, work, Skipped("the time was up"))
                continue
            found = self._try(peer, work)
            if found is not None:
                costs[peer.name], rounds[peer.name] = found
        able = [peer for peer in peers if peer.name in rounds]
        for number in range(ROUNDS[self.mode]):
            for peer in able:
                cost = costs[peer.name]
                if cost > SLOW_SECONDS and number % SLOW_EVERY != 0 or time.monotonic() + cost > stop and number > 0:
                    continue
                batch = max(1, min(SAMPLES_MOST, int(ROUND_SECONDS[self.mode] / cost)))
                if cost <= DEAR_SECONDS:
                    rounds[peer.name].append(self._samples(peer, work, batch, number))
            if time.monotonic() > stop:
                break
        for peer in able:
            mine = [one for one in rounds[peer.name] if one["samples"]]
            samples = [sample for one in mine for sample in one["samples"]]
            if samples:
                self.results.append({"work": work, "peer": peer.name, "rounds": mine})
                say(f"{work:13} {peer.name:24} {describe(work, statistics.median(samples))}  ({len(samples)} samples)")

    def _prepared(self, peer, work):
        try:
            peer.prepare.get(work, lambda: None)()
            return True
        except Failed as failure:
            self._fail(peer, work, failure)
            return False

    def _try(self, peer, work):
        """What one call costs, in seconds, and the rounds so far: the call itself if it is dear, else none, because it
        also paid for the connection."""
        try:
            begin = time.monotonic()
            first = peer.works[work](1)
            cost = max(time.monotonic() - begin, 1e-5)
            if cost > DEAR_SECONDS or work in peer.once:
                return math.inf, [{"round": 0, "samples": first}]
            for _ in range(3):
                begin = time.monotonic()
                if cost < SLOW_SECONDS:
                    peer.works[work](1)
                    cost = min(cost, max(time.monotonic() - begin, 1e-5))
            return cost, []
        except Failed as failure:
            self._fail(peer, work, failure)
            return None

    def _samples(self, peer, work, batch, number):
        try:
            return {"round": number, "samples": peer.works[work](batch)}
        except Failed as failure:
            self._fail(peer, work, failure)
            return {"round": number, "samples": []}

    def _fail(self, peer, work, failure):
        found = self.skips if isinstance(failure, Skipped) else self.failures
        found.append({"work": work, "peer": peer.name, "reason": str(failure)})
        say(f"{work}: {peer.name}: {failure}")


def describe(work, value):
    if work.endswith("rate"):
        return f"{value:10.0f} /s"
    return f"{value * 1e6:10.0f} µs" if value < 0.1 else f"{value:10.2f} s"


def shares(seconds, works):
    """The most seconds that each work may take."""
    weights = {"ping": 1, "exec": 3, "output": 2, "output-big": 5, "reconnect": 1, "rate": 1, "ping-rate": 1,
               "push-file": 7, "pull-file": 7, "push-tree": 2, "pull-tree": 2, "four-nodes": 1, "local-nodes": 1,
               "empty-case": 1, "fan-out-10": 2, "fan-out-100": 6, "fan-out-1000": 10, "ping-all-1000": 1}
    total = sum(weights[work] for work in works)
    return {work: seconds * weights[work] / total for work in works}


def measure_scale(programs, mode, measurement):
    """The output of bench_scale for each number of light agents. Each has a process of its own, so that memory is too."""
    found, until = [], time.monotonic() + SCALE_SECONDS[mode]
    for nodes in SCALES[mode]:
        try:
            done = subprocess.run([programs / "bench_scale", str(nodes)], capture_output=True, text=True, check=False,
                                  timeout=max(5, until - time.monotonic()))
            reason = done.stderr.strip()[-300:] if done.returncode else None
        except subprocess.TimeoutExpired:
            reason = "the time was up"
        if reason:
            measurement.failures.append({"work": "scale", "peer": f"{nodes} light agents", "reason": reason})
            say(f"scale: {nodes} light agents: {reason}")
            continue
        found.append(json.loads(done.stdout))
        say(f"scale: {nodes} light agents connected in {found[-1]['connect_seconds']:.2f} s")
    return found


def started(name, start):
    """The peer that start() starts; None, and said, if it cannot be had: the others are measured all the same."""
    try:
        return start()
    except (Failed, OSError) as failure:
        say(f"{name}: left out: {failure}")
        return None


def start_peers(scope, directory, programs, data):
    environment = {"PATH": os.environ["PATH"], "HOME": directory, "LANG": "C.UTF-8", "ANSIBLE_HOME": directory}
    peers = Floor(scope, programs, data, environment).peers
    muster = start_muster(scope, programs, directory, data)
    peers += muster.peers if muster else []
    if (programs / "bench_case").exists() and (programs / "muster").exists():
        peers += LocalNodes(scope, programs, directory).peers
    if (programs / "bench_grpc").exists():
        peers += Grpc(scope, programs).peers
    memory = {}
    if rpyc := started("rpyc", lambda: Rpyc(scope, data)):
        peers += rpyc.peers
        memory["rpyc"] = rpyc.server_pid
    os.makedirs(f"{directory}/ssh-peer")
    ssh = started("ssh", lambda: Ssh(scope, f"{directory}/ssh-peer", environment, data, 2200))
    if ssh is None:
        return peers, muster, memory
    mitogen = started("Mitogen", lambda: Mitogen(scope, ssh))
    peers += mitogen.peers if mitogen else []
    peers += ssh.peers
    peers.append(Peer("4 sshd + ssh", {"four-nodes": lambda count: [ssh.four_nodes() for _ in range(count)]}))
    memory["ssh"] = ssh.daemon.pid
    return peers, muster, memory


def measure_memory(muster, pids):
    table = [{"what": f"{name}: the server process and what it started", "processes": [
        memory_kib(pid) for pid in descendants(top)]} for name, top in pids.items()]
    return table + (muster.memory if muster else [])


def chosen_works(text):
    unknown = [work for work in text.split(",") if work not in WORKS]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no work \"{unknown[0]}\"; there are: {', '.join(WORKS)}")
    return text.split(",")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--quick", action="store_true", help="smaller files, no 1 000 nodes, two minutes")
    parser.add_argument("--programs", type=pathlib.Path, default=root / "build/release/bin")
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("--only", type=chosen_works, default=WORKS, metavar="WORK,...",
                        help=f"of {', '.join(WORKS)}")
    parser.add_argument("--peers", type=lambda text: tuple(text.split(",")), default=("",), metavar="NAME,...",
                        help="those whose names begin so: Muster,floor")
    parser.add_argument("--seconds", type=int, help="allowed time, instead of the mode's own")
    parser.add_argument("--no-install", action="store_true")
    parser.add_argument("--check", action="store_true", help="only what bench/budget.json has a ratio for; fail if over")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        say("needs root: peers and nodes live in namespaces of their own")
        return 77
    if not (arguments.programs / "bench_floor").exists():
        say(f"no bench_floor in {arguments.programs}: build with -DMUSTER_BENCH=ON (./dev bench does)")
        return 77
    if not arguments.no_install and not os.environ.get("MUSTER_BENCH_INSIDE"):
        install()
    enter_namespaces(__file__)
    if arguments.check:
        arguments.only = [budget["work"] for budget in budgets(root)]
        arguments.peers = ("floor", "Muster")
    mode = "quick" if arguments.quick or arguments.check else "full"
    started = time.monotonic()
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%S")
    results = arguments.results or root / f"build/results/{stamp}-bench"
    results.mkdir(parents=True, exist_ok=True)
    status = run(arguments, mode, started, results, stamp)
    if not arguments.check:
        return status
    with open(results / "data.json", encoding="utf-8") as file:
        return max(status, check(budgets(root), json.load(file)))


def budgets(root):
    with open(root / "bench/budget.json", encoding="utf-8") as file:
        return json.load(file)["compared"]


def check(allowed, found):
    """Prints the ratio of each budget, and returns 1 if one does not hold."""
    ratios = {(row["work"], row["peer"]): row.get("ratio") for row in summarize(found)}
    over = 0
    for budget in allowed:
        ratio = ratios.get((budget["work"], budget["peer"]))
        held = ratio is not None and ratio <= budget["ratio_most"]
        over += not held
        text = f"{ratio:.2f}" if ratio is not None else "not measured"
        print(f"{'ok  ' if held else 'OVER'} {budget['work']:12} {budget['peer']:16} {text:>12} x floor "
              f"(at most {budget['ratio_most']})")
    return 1 if over else 0


def run(arguments, mode, started, results, stamp):
    directory = prepare_namespaces()
    works = [work for work in WORKS if work in arguments.only and (mode == "full" or work not in ONLY_FULL)]
    scope = Scope()
    total = arguments.seconds or TOTAL_SECONDS[mode]
    measurement = Measurement(mode)
    about = {"machine": machine(), "versions": versions(), "mode": mode, "at": stamp}
    try:
        data = Data(f"{directory}", (256 if mode == "quick" else 1024) << 20, 2000)
        peers, muster, pids = start_peers(scope, directory, arguments.programs, data)
        about["memory"] = measure_memory(muster, pids)
        stop = time.monotonic()
        for work, share in shares(total, [work for work in works if work != "scale"]).items():
            able = [peer for peer in peers if work in peer.works and peer.name.startswith(arguments.peers)]
            if mode == "quick" and work == "fan-out-100":  # These need up to a minute.
                able = [peer for peer in able if peer.name not in ("clush", "Ansible")]
            # What one work does not need, the next ones have; none loses what another took too much.
            stop = max(stop, time.monotonic() - measurement.preparing) + share
            measurement.measure(work, able, stop)
        about["file_bytes"] = data.file_bytes
        about["muster"] = muster.numbers() if muster else {}
        scope.stop()
        if "scale" in works and (arguments.programs / "bench_scale").exists():
            about["scale"] = measure_scale(arguments.programs, mode, measurement)
    finally:
        scope.stop()
        subprocess.run(["umount", "-l", "/etc/passwd", directory], check=False)
        os.rmdir(directory)
    about["seconds"] = round(time.monotonic() - started, 1)
    found = {**about, "results": measurement.results, "failures": measurement.failures,
             "skips": measurement.skips}
    with open(results / "data.json", "w", encoding="utf-8") as file:
        json.dump(found, file, separators=(",", ":"), default=str)
    write_report(found, results)
    say(f"done in {about['seconds']} s; data, table and plots: {results}")
    return 1 if measurement.failures else 0


if __name__ == "__main__":
    sys.exit(main())
