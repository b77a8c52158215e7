"""Writes the records of small runs for looking at their reports: scenario.py NAME DIRECTORY. Times are made up, so that the
same scenario is always the same. NAME is one of the functions in SCENARIOS."""
import json
import os
import sys

WALL = 1_796_093_101_000_000_000
MS = 1_000_000


class Writer:
    """One file of records, whose lines have the times that the caller says."""

    def __init__(self, directory, name, role, **header):
        os.makedirs(f"{directory}/records", exist_ok=True)
        self.directory = directory
        self.path = f"{directory}/records/{name}.jsonl"
        self.lines = []
        self.ids = 0
        self._put(0, {"records": 1, "writer": name, "role": role, "run": "20261201T024501Z-3fa91c", "pid": 4711, "host": "build7",
                      "wall": WALL, "clock": 81_234_000_000, "boot": "7c1d", "muster": "0.3.0", **header})

    def _put(self, at, fields):
        self.lines.append(json.dumps({"n": len(self.lines), "at": int(at * MS), **fields}))

    def open(self, at, kind, within="", verb="begin", **fields):
        self.ids += 1
        name = f"i{self.ids}"
        self._put(at, {verb: name, "kind": kind, **({"in": within} if within else {}), **fields})
        return name

    def begin(self, at, name, **fields):
        self._put(at, {"begin": name, **fields})

    def add(self, at, name, what, /, **fields):
        self._put(at, {"add": name, "what": what, **fields})

    def end(self, at, name, **fields):
        self._put(at, {"end": name, **fields})

    def whole(self, at, end, kind, within, fields, result):
        name = self.open(at, kind, within, **fields)
        self.end(end, name, **result)
        return name

    def close(self, at=None):
        if at is not None:
            self.lines.append(json.dumps({"n": len(self.lines), "at": int(at * MS), "close": len(self.lines), "lost": 0}))
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("\n".join(self.lines) + "\n")


def artifact(writer, at, within, path, content, **fields):
    target = f"{writer.directory}/{path}"
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        file.write(content)
    name = writer.open(at, "artifact", within, path=path, **fields)
    writer.end(at, name, bytes=len(content))


NODES = ["server1", "server2", "server3", "client1"]


def start(directory, topology=""):
    """The runner's file, and the program's with its nodes."""
    runner = Writer(directory, "runner-4700", "runner")
    run = runner.open(1, "run", command=["muster", "run", "kvd", "--seed", "40131"], directory="/home/ada/kvd", seed=40131,
                      git={"revision": "9f31c0d25b7a4e11", "branch": "lease-renewal", "dirty": True},
                      configuration=[{"name": "cluster", "value": "local", "origin": "kvd.yaml:3"},
                                     {"name": "retries", "value": 1, "origin": "command line"}])
    if topology:
        runner.add(3, run, "property", name="topology", value=topology)
    program = runner.open(4, "program", run, component="kvd", argv=["build/dev/bin/kvd_tests"], writer="kvd_tests-4711", attempt=1)
    tests = Writer(directory, "kvd_tests-4711", "program", component="kvd")
    own = tests.open(5, "program", component="kvd", argv=["build/dev/bin/kvd_tests"])
    nodes = {}
    for i, node in enumerate(NODES):
        nodes[node] = tests.open(20 + i, "node", own, node=node, role=node[:-1], address=f"10.7.0.{11 + i}", agent="0.3.0",
                                 kernel="6.1.0-28-amd64", system="Debian 12", product={"kvd": "4.2.1"})
        tests.add(30 + i, nodes[node], "clock", offset=(i - 1) * 3 * MS, error=[0.4, 1.8, 26, 0.2][i] * MS // 1)
    return runner, run, program, tests, own, nodes


def command(tests, at, end, within, node, argv, code=0, out="", err="", **more):
    tests.whole(at, end, "command", within, {"node": node, "argv": argv, "user": "root"},
                {"outcome": f"exit {code}", "exit": code, "out": out, "err": err, "outBytes": len(out.encode()),
                 "errBytes": len(err.encode()), **more})


def interleaved(tests, at, end, within, node, argv, code, pieces, **more):
    """A command that writes the pieces in this order: those that begin with "!" to standard error."""
    parts = ["", ""]
    order = [0]
    for piece in pieces:
        stream = int(piece.startswith("!"))
        text = piece[stream:]
        parts[stream] += text
        if (len(order) - 1) % 2 != stream:
            order.append(0)
        order[-1] += len(text.encode())
    command(tests, at, end, within, node, argv, code, *parts, **{"order": order, **more})


CHECKED = ["!kvctl: warning: lease is short\n", "checking key-000 \u2026 ", "!no quorum, \u00fcber 250 ms\n", "failed\n",
           "checking key-001 \u2026 ok\n", "!kvctl: 1 of 2 keys failed\n"]


def metrics(tests, at, end, within, node, number):
    lines = []
    for i in range(int((end - at) / 100)):
        time = at + i * 100
        seconds = time / 1000
        busy = 2 * seconds + (4 if 5000 < time < 8200 and node == "server1" else 1) * max(0, seconds - 5) * 0.3
        lines.append(json.dumps({"node": node, "at": f"2026-12-01T02:45:{1 + seconds:09.6f}Z", "since_boot_s": seconds,
                                 "cpu_busy_s": busy, "cpu_idle_s": 4 * seconds - busy * 0.2, "memory_total_bytes": 8 << 30,
                                 "memory_available_bytes": (6 << 30) - i * (3 << 20) * (number + 1),
                                 "network_sent_bytes": i * 90_000 * (number + 1), "network_received_bytes": i * 40_000,
                                 "processes": []}))
    path = f"kvd_tests/LeaseTest.Metrics/metrics/{node}.jsonl"
    os.makedirs(os.path.dirname(f"{tests.directory}/{path}"), exist_ok=True)
    with open(f"{tests.directory}/{path}", "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    name = tests.open(at, "series", within, node=node, path=path)
    tests.end(end, name, samples=len(lines))


def healthy(tests, own, at, suite, name, outcome="passed", nodes=("server1", "server2"), **fields):
    test = tests.open(at, "test", own, suite=suite, name=name, component="kvd", file="tests_d/kvd/test_lease.cc", line=40,
                      nodes=list(nodes), labels=fields.pop("labels", ["quick"]))
    for i, node in enumerate(nodes):
        command(tests, at + 5 + i * 11, at + 60 + i * 23, test, node, ["kvctl", "status", "--field=role"], 0,
                "leader\n" if i == 0 else "follower\n")
    for what, addition in fields.pop("added", []):
        tests.add(at + 90, test, what, **addition)
    tests.end(at + 120, test, outcome=outcome, seconds=0.12, **fields)
    return test


FAILURE = """Value of: follower
Expected: within 2.00 s, prints "stale" by ["kvctl", "status", "--field=freshness"]
  Actual: server3 printed "current" 14 times, the last at 2.01 s
  node server3 (10.7.0.13): run ["kvctl", "status", "--field=freshness"]: exit 0
    last line of stdout: "current" """


def isolated_follower(tests, own, nodes):
    test = tests.open(4000, "test", own, suite="LeaseTest", name="IsolatedFollowerReportsStaleThenRecovers", component="kvd",
                      file="tests_d/muster/report_page/sample_test.txt", line=4, nodes=NODES, labels=["partition", "lease"],
                      owner="ada", requirements=["REQ-LEASE-4"])
    tests.add(4001, test, "property", name="muster_seed", value="40131")
    step = tests.open(4010, "step", test, text="start kvd on three servers")
    for i, node in enumerate(NODES[:3]):
        command(tests, 4020 + i * 9, 4310 + i * 44, step, node, ["systemctl", "start", "kvd"])
        tests.whole(4330 + i * 50, 4700 + i * 61, "wait", step, {"node": node, "text": f"until {node} is ready"}, {})
    tests.end(4900, step, outcome="passed")
    step = tests.open(4910, "step", test, text="write through the client")
    for i in range(18):
        at = 4920 + i * 37
        command(tests, at, at + 31 + i % 5 * 9, step, "client1", ["kvctl", "put", f"key-{i:03}", f"value {i}"], 0, f"stored, version {i + 100}\n")
    interleaved(tests, 5600, 5640, step, "client1", ["kvctl", "check", "--all"], 1, CHECKED)
    tests.end(5660, step, outcome="passed")
    fault = tests.open(5700, "fault", test, nodes=["server3"], text="partition: server3 | server1, server2, client1", faultKind="partition")
    slow = tests.open(5900, "fault", test, nodes=["server1"], text="delay of 40 ms on server1", faultKind="delay")
    tests.add(6100, nodes["server3"], "lost", because="no answer for 400 ms")
    for i in range(14):
        at = 5760 + i * 145
        command(tests, at, at + 38, test, "server3", ["kvctl", "status", "--field=freshness"], 0, "current\n")
    for i in range(24):
        at = 5720 + i * 90
        command(tests, at, at + (64 if i % 6 else 260), test, "client1", ["kvctl", "get", f"key-{i:03}"], 0 if i % 7 else 2,
                f"value {i}\n" if i % 7 else "", "" if i % 7 else "kvctl: no quorum (1 of 3), retrying\nkvctl: gave up after 250 ms\n")
    tests.whole(5730, 7800, "wait", test, {"node": "server3", "text": "until prints \"stale\""}, {"error": "not within 2.00 s"})
    tests.whole(6200, 6204, "call", test, {"node": "server1", "text": "read /var/lib/kvd/term"}, {})
    tests.add(7801, test, "failure", text=FAILURE, file="tests_d/muster/report_page/sample_test.txt", line=12, fatal=False)
    tests.end(7900, slow)
    tests.end(7950, fault)
    tests.add(8100, nodes["server3"], "found", because="")
    tests.whole(8000, 8240, "service", test, {"node": "server2", "text": "restart kvd.service"}, {})
    for node, offset in (("server1", -3), ("server2", 0), ("server3", 3)):
        log = tests.open(8300, "log", test, node=node, source="/var/log/kvd/kvd.log", path=f"kvd_tests/logs/{node}.log")
        for i in range(46):
            at = 4400 + i * 82
            level = "error" if node == "server3" and 5900 < at < 7900 and i % 5 == 0 else "warning" if i % 9 == 4 else "info"
            text = {"error": "raft: lost the leader, election 7 timed out", "warning": "lease: renewal took 41 ms",
                    "info": f"raft: appended entry {1000 + i} in term 7"}[level]
            tests.add(8301, log, "line", text=text, level=level, number=i + 1, wall=WALL + int((at + offset) * MS))
        tests.add(8302, log, "line", text="a line that has no time of its own", level="", number=47)
        tests.end(8303, log, lines=47, bytes=3100, severity="error" if node == "server3" else "warning")
    for number, node in enumerate(NODES):
        metrics(tests, 4000, 8400, test, node, number)
    artifact(tests, 8350, test, "kvd_tests/LeaseTest/server3/kvd.conf", b"[lease]\nduration = 2s\nrenew = 500ms\n", node="server3", type="text")
    artifact(tests, 8351, test, "kvd_tests/LeaseTest/server3/core", os.urandom(120_000), node="server3", type="core")
    tests.add(8400, test, "hidden", count=12, text="outputs of commands beyond 1000")
    tests.end(8420, test, outcome="failed", seconds=4.42)


def finish(runner, tests, at, items, outcome):
    """Ends what lasts as long as the run, from `at` on: its nodes, the program and the run itself."""
    run, program, own, nodes = items
    status = 0 if outcome == "passed" else 1
    for node in nodes.values():
        tests.end(at, node)
    tests.end(at + 10, own, outcome=outcome)
    tests.close(at + 20)
    runner.end(at + 30, program, outcome=outcome, status=status)
    runner.end(at + 40, run, outcome=outcome, exit=status, seconds=at / 1000)
    runner.close(at + 50)


def partition(directory):
    runner, run, program, tests, own, nodes = start(directory)
    healthy(tests, own, 1000, "LeaseTest", "LeaderHoldsLease")
    healthy(tests, own, 1200, "LeaseTest", "FollowerForwardsWrites", nodes=("server2", "server3"))
    healthy(tests, own, 1400, "LeaseTest", "LeaseSurvivesRestart", nodes=("server3", "client1"), labels=["slow"])
    healthy(tests, own, 1600, "SnapshotTest", "KeepsOldReaders", outcome="skipped",
            added=[("skip", {"text": "needs a file system with reflinks", "file": "tests_d/kvd/test_snapshot.cc", "line": 18})])
    isolated_follower(tests, own, nodes)
    for i in range(3):
        healthy(tests, own, 8600 + i * 200, "QuorumTest", f"RejectsMinority{i + 1}", outcome="failed", nodes=("server3", "server1"),
                added=[("failure", {"text": "Expected equality of these values:\n  reply.version\n    Which is: 107\n  108",
                                    "file": "tests_d/kvd/test_quorum.cc", "line": 77})])
    finish(runner, tests, 9400, (run, program, own, nodes), "failed")


def topologies(directory):
    """Two runs of the same tests: one of them fails, and the other one is green."""
    for topology in ("debian12", "rocky9"):
        isBad = topology == "rocky9"
        runner, run, program, tests, own, nodes = start(f"{directory}/{topology}", topology)
        healthy(tests, own, 100, "LeaseTest", "LeaderHoldsLease")
        test = tests.open(300, "test", own, suite="LeaseTest", name="FollowerJoins", component="kvd", nodes=["server1", "client1"])
        command(tests, 310, 420, test, "server1", ["kvctl", "join", "server2"], 1 if isBad else 0)
        log = tests.open(500, "log", test, node="server1", source="kvd.log")
        for i, text in enumerate(["raft: term 7 begins", "raft: appended entry 1200"] + ["ERROR raft: lost the leader"] * isBad):
            tests.add(501, log, "line", text=text, number=i + 1, wall=WALL + (400 + 10 * i) * MS)
        tests.end(502, log, lines=3)
        if isBad:
            tests.add(510, test, "failure", text="server2 did not join", file="tests_d/kvd/test_lease.cc", line=60)
        tests.end(520, test, outcome="failed" if isBad else "passed", seconds=0.2)
        for node in nodes.values():
            tests.end(540, node)
        tests.end(550, own, outcome="passed")
        tests.close(560)
        runner.end(570, program, outcome="passed", status=int(isBad))
        runner.end(580, run, outcome="failed" if isBad else "passed")
        runner.close(590)
    return [f"{directory}/debian12", f"{directory}/rocky9"]


def single(directory):
    runner, run, program, tests, own, nodes = start(directory)
    healthy(tests, own, 100, "LeaseTest", "LeaderHoldsLease")
    finish(runner, tests, 400, (run, program, own, nodes), "passed")


def streams(directory):
    """Commands that write to both streams: one whose beginning is missing, and two whose order is not known."""
    runner, run, program, tests, own, nodes = start(directory)
    test = tests.open(230, "test", own, suite="LeaseTest", name="WritesToBothStreams", component="kvd", nodes=["server1"])
    long = [text for i in range(60) for text in (f"entry {i}\n", f"!slow {i}\n")]
    interleaved(tests, 240, 250, test, "server1", ["kvctl", "long"], 0, long, outBytes=5000)
    interleaved(tests, 260, 270, test, "server1", ["kvctl", "unfit"], 0, ["one\n", "!two\n"], order=[5000, 4])
    command(tests, 280, 290, test, "server1", ["kvctl", "older"], 0, "one\n", "two\n")
    tests.end(300, test, outcome="passed", seconds=0.07)
    finish(runner, tests, 400, (run, program, own, nodes), "passed")


def crash(directory):
    """The program dies of a signal in the middle of a test, and the runner is killed later."""
    runner, run, program, tests, own, nodes = start(directory)
    for name in ("CompactsLog", "CompactsUnderLoad", "KeepsTombstones"):
        runner.open(6, "test", program, verb="announce", suite="CompactionTest", name=name, component="kvd", writer="kvd_tests-4711")
    healthy(tests, own, 1000, "CompactionTest", "CompactsLog")
    test = tests.open(1300, "test", own, suite="CompactionTest", name="CompactsUnderLoad", component="kvd", nodes=["server1", "client1"],
                      file="tests_d/kvd/test_compaction.cc", line=31, labels=["load"])
    command(tests, 1310, 1500, test, "client1", ["kvbench", "--keys=10000", "--clients=16"], 0, "16 clients, 10000 keys\n")
    tests.open(1600, "command", test, node="server1", argv=["kvctl", "compact", "--wait"], user="root")
    tests.add(1700, test, "output", stream="stderr", text="kvd_tests: malloc.c:2617: sysmalloc: assertion failed\n")
    tests.close()
    runner.add(1900, program, "failure", text="the program ended by SIGABRT in CompactionTest.CompactsUnderLoad", crash=True)
    runner.end(1910, program, outcome="crashed", signal=6, because="SIGABRT")
    runner.close()


# Each returns the directories of its runs, if they are several.
SCENARIOS = {each.__name__: each for each in (partition, single, streams, crash, topologies)}

if __name__ == "__main__":
    SCENARIOS[sys.argv[1]](sys.argv[2])
