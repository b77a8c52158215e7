#!/usr/bin/env python3
"""Tests of the package against a fake `muster`, whose answers each test writes."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
from unittest import mock

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import muster  # pylint: disable=wrong-import-position
import muster.testing  # pylint: disable=wrong-import-position
from muster import Kind, NodeError, OutcomeKind, _program, process, result  # pylint: disable=wrong-import-position

WAIT_SECONDS = 20.0

FAKE = """\
#!%s -S
import json, os, signal, sys, time
here = os.path.dirname(os.path.abspath(__file__))
words = sys.argv[1:]
def note(name, text):
    with open(os.path.join(here, name), "a") as file:
        file.write(text + "\\n")
note("calls", json.dumps(words))
note("pids", str(os.getpid()))
def say(value):
    print(json.dumps(value), flush=True)
def hang():
    while True:
        time.sleep(60)
for count in (2, 1):
    path = os.path.join(here, "_".join(words[:count]) + ".py")
    if os.path.exists(path):
        exec(open(path).read())
        break
""" % sys.executable

NODES = [
    {"cluster": "lab", "name": name, "role": role, "labels": {"disk": "ssd"} if name == "s1" else {},
     "addresses": ["10.0.0.%d" % place]}
    for place, (name, role) in enumerate((("s1", "server"), ("s2", "server"), ("c1", "client")), 1)
]


def ended(node="s1", outcome="exited with status 0", **more):
    """An entry of `muster exec --json`."""
    return {"node": node, "outcome": outcome, "still_ending": False, "stdout": "", "stderr": "",
            "elapsed_seconds": 0.5, "left_running": 0, "error": None, **more}


def await_true(condition):
    """Waits until it is so, and tells whether it is."""
    until = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def is_gone(pid):
    """Tells whether the process has ended, though perhaps nobody has reaped it."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


class FakeCase(unittest.TestCase):
    """A directory with a fake `muster`, which answers `nodes` at first."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="muster-fake-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.program = self.directory / "muster"
        self.program.write_text(FAKE)
        self.program.chmod(0o755)
        self.answer("nodes", "say(%r)" % NODES)

    def answer(self, command, code):
        """Lets the fake do this for a command, such as "fault add"."""
        name = command.replace(" ", "_") + ".py"
        (self.directory / name).write_text(textwrap.dedent(code))

    def calls(self, command):
        """Returns the words of the calls of a command, behind its name."""
        count = len(command.split())
        lines = (self.directory / "calls").read_text().splitlines()
        every = [json.loads(line) for line in lines]
        return [call[count:] for call in every if call[:count] == command.split()]

    def pids(self):
        path = self.directory / "pids"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def cluster(self, **options):
        cluster = muster.Cluster("lab", program=str(self.program), **options)
        self.addCleanup(cluster.close)
        return cluster.start()

    def node(self):
        return self.cluster().node("s1")

    def error_of(self, call):
        with self.assertRaises(NodeError) as raised:
            call()
        return raised.exception


class ResultTest(unittest.TestCase):
    def test_outcomes_are_those_of_the_command(self):
        for text, kind in (
                ("exited with status 3", OutcomeKind.EXITED),
                ("killed by signal 11 (Segmentation fault), core dumped", OutcomeKind.SIGNALLED),
                ("not started: start \"x\": No such file", OutcomeKind.NOT_STARTED),
                ("killed at its deadline", OutcomeKind.DEADLINE),
                ("cancelled", OutcomeKind.CANCELLED),
                ("killed at its output limit: 64 MiB", OutcomeKind.OUTPUT_LIMIT),
                ("killed with its session", OutcomeKind.SESSION_ENDED),
                ("lost: the node was rebooted", OutcomeKind.LOST)):
            self.assertIs(result.outcome_of(text).kind, kind)
        self.assertEqual(result.outcome_of("exited with status 3").exit_status, 3)
        self.assertEqual(result.outcome_of("killed by signal 11 (x)").signal, 11)
        with self.assertRaises(NodeError) as raised:
            result.outcome_of("evaporated")
        self.assertIs(raised.exception.kind, Kind.INTERNAL)

    def test_output_becomes_lines(self):
        def lines(data):
            outcome = result.outcome_of("exited with status 0")
            return muster.Result("n", ("x",), outcome, data).lines()
        self.assertEqual(lines(b"a\n\nb\n"), ["a", "", "b"])
        self.assertEqual(lines(b"a\nb"), ["a", "b"])
        self.assertEqual(lines(b""), [])

    def test_failed_command_has_no_line_to_compare(self):
        failed = muster.Result("n", ("x",), result.outcome_of("exited with status 2"),
                               stderr=b"no such option\n")
        with self.assertRaises(NodeError) as raised:
            failed.line()
        self.assertIn("standard error: no such option", str(raised.exception))
        with self.assertRaises(NodeError) as raised:
            failed.checked()
        self.assertIs(raised.exception.kind, Kind.COMMAND_FAILED)

    def test_answers_keep_errors_in_their_place(self):
        broken = NodeError(Kind.UNREACHABLE, "b", "run", "no connection")
        answers = muster.Answers({"a": 1, "b": broken})
        self.assertEqual((answers["a"], list(answers), answers.errors), (1, ["a", "b"], {"b": broken}))
        for call in (lambda: answers["b"], answers.checked):
            with self.assertRaises(NodeError) as raised:
                call()
            self.assertIs(raised.exception, broken)


class CallTest(FakeCase):
    def test_words_carry_all_that_was_asked_for(self):
        self.answer("exec", "say({'run': 'r', 'nodes': [%r]})" % ended())
        self.node().run(["a", "-b"], timeout=1.5, env={"N": "a b"}, directory="/d", user="u")
        (words,) = self.calls("exec")
        self.assertEqual(words[words.index("--"):], ["--", "a", "-b"])
        for option, value in (("--timeout", "1500ms"), ("--env", "N=a b"), ("--directory", "/d"),
                              ("--user", "u"), ("--cluster", "lab")):
            self.assertEqual(words[words.index(option) + 1], value)
        self.assertNotIn("--input", words)

    def test_bytes_are_whole_both_ways(self):
        self.answer("exec", """\
            data = sys.stdin.buffer.read()
            import base64
            entry = %r
            entry.update(stdout="?", stdout_base64=base64.b64encode(data).decode(), stderr="\\u00e9")
            say({"run": "r", "nodes": [entry]})""" % ended())
        data = bytes(range(256)) * 1000
        got = self.node().run(["cat"], stdin=data)
        self.assertEqual((got.stdout, got.stderr), (data, "\u00e9".encode()))
        self.assertIn("--input", self.calls("exec")[0])

    def test_non_zero_exit_is_a_result(self):
        self.answer("exec", "say({'run': 'r', 'nodes': [%r]}); sys.exit(3)"
                    % ended(outcome="exited with status 3"))
        self.assertEqual(self.node().run(["x"]).exit_status, 3)

    def test_error_of_a_node_is_an_exception_of_its_kind(self):
        for kind in Kind:
            entry = {"node": "s1", "error": {"kind": kind.value, "detail": "why"}}
            self.answer("exec", "say({'run': 'r', 'nodes': [%r]}); sys.exit(69)" % entry)
            error = self.error_of(lambda: self.node().run(["x"]))
            self.assertEqual((error.kind, error.node, error.text), (kind, "s1", "why"))

    def test_exit_status_without_a_result_has_a_kind(self):
        for status, kind in ((64, Kind.INVALID), (65, Kind.INVALID), (66, Kind.SYSTEM),
                             (69, Kind.INFRASTRUCTURE), (70, Kind.INTERNAL),
                             (73, Kind.INFRASTRUCTURE), (77, Kind.UNSUPPORTED)):
            self.answer("exec", "sys.stderr.write('muster exec: why\\n'); sys.exit(%d)" % status)
            error = self.error_of(lambda: self.node().run(["x"]))
            self.assertIs(error.kind, kind)
            self.assertIn("muster exec: why", str(error))
        self.answer("exec", "os.kill(os.getpid(), signal.SIGKILL)")
        error = self.error_of(lambda: self.node().run(["x"]))
        self.assertIs(error.kind, Kind.CANCELLED)
        self.assertIn("signal 9", str(error))

    def test_errors_alone_are_the_error_of_the_call(self):
        self.answer("fault add", """\
            say({"errors": [{"node": "s2", "kind": "denied", "detail": "not root"}]})
            sys.exit(69)""")
        error = self.error_of(lambda: self.cluster().isolate("s2"))
        self.assertEqual((error.kind, error.node, error.text), (Kind.DENIED, "s2", "not root"))

    def test_wrong_arguments_are_refused_before_anything_runs(self):
        node = self.node()
        for call in (lambda: node.run("a text"), lambda: node.run(["x"], timeout=0),
                     lambda: node.file("relative").read(), lambda: node.run(["nul\0"])):
            self.assertIs(self.error_of(call).kind, Kind.INVALID)
        self.assertEqual(self.calls("exec") + self.calls("cp"), [])

    def test_missing_program_is_an_unavailable_cluster(self):
        with mock.patch.dict(os.environ, {"MUSTER_BIN_DIR": "/nowhere", "PATH": "/nowhere"}):
            with self.assertRaises(muster.ClusterUnavailable):
                muster.Cluster("lab").start()
        with self.assertRaises(muster.ClusterUnavailable):
            muster.Cluster("lab", program="/nowhere/muster").start()


class NotOpenTest(FakeCase):
    """A cluster without nodes would make every loop over them pass."""

    def refusals(self, cluster, node=None):
        calls = [cluster.servers, cluster.clients, lambda: cluster.nodes,
                 lambda: cluster.select("s1"), lambda: cluster.node("s1"),
                 lambda: cluster.isolate("s1")]
        calls += [lambda: node.run(["true"])] * bool(node)
        return {self.error_of(call).kind for call in calls}

    def test_cluster_that_is_not_started_has_no_calls(self):
        self.assertEqual(self.refusals(muster.Cluster("lab", program=str(self.program))),
                         {Kind.INVALID})

    def test_cluster_that_was_closed_has_no_calls(self):
        cluster = self.cluster()
        node = cluster.node("s1")
        cluster.close()
        self.assertEqual(self.refusals(cluster, node), {Kind.INVALID})

    def test_cluster_that_could_not_be_started_has_no_calls(self):
        self.answer("nodes", "sys.exit(65)")
        cluster = muster.Cluster("lab", program=str(self.program))
        with self.assertRaises(NodeError):
            cluster.start()
        self.assertEqual(self.refusals(cluster), {Kind.INVALID})

    def test_expression_is_no_option(self):
        self.cluster().select("--help")
        self.assertIn(["--", "--help"], [call[-2:] for call in self.calls("nodes")])

    def test_wrong_values_are_refused(self):
        node = self.node()
        for wrong in (float("nan"), float("inf"), -1.0, 0.0):
            self.assertIs(self.error_of(lambda: node.run(["true"], timeout=wrong)).kind,
                          Kind.INVALID)
        for name in ("A=B", "", "1A", "A B"):
            self.assertIs(self.error_of(lambda: node.run(["true"], env={name: "x"})).kind,
                          Kind.INVALID)


class TimeTest(FakeCase):
    def hurried_node(self):
        """Returns a node whose calls may take a second."""
        node = self.node()
        node._command.connect_seconds = 0.1
        for name, value in (("MARGIN_SECONDS", 1.0), ("END_SECONDS", 0.5)):
            patch = mock.patch.object(_program, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        return node

    def test_call_ends_in_its_time_and_with_its_child(self):
        node = self.hurried_node()
        for code in ("hang()", "signal.signal(signal.SIGTERM, signal.SIG_IGN); hang()"):
            self.answer("exec", code)
            begin = time.monotonic()
            error = self.error_of(lambda: node.run(["x"], timeout=0.1))
            self.assertIs(error.kind, Kind.TIMEOUT)
            self.assertLess(time.monotonic() - begin, WAIT_SECONDS)
            self.assertTrue(is_gone(self.pids()[-1]))

    def test_holder_that_says_nothing_is_ended(self):
        self.answer("change hold", "hang()")
        node = self.hurried_node()
        error = self.error_of(lambda: node.change(muster.NodeGroup("g"), timeout=0.1))
        self.assertIs(error.kind, Kind.TIMEOUT)
        self.assertTrue(is_gone(self.pids()[-1]))

    def test_exception_in_a_call_ends_its_child(self):
        self.answer("exec", "hang()")
        node = self.cluster(connect_timeout=60.0).node("s1")
        signal.signal(signal.SIGALRM, lambda *_: self.fail("interrupted"))
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with self.assertRaises(AssertionError):
            node.run(["x"], timeout=60.0)
        self.assertTrue(is_gone(self.pids()[-1]))


class LifelineTest(FakeCase):
    # Waits as `muster` does for the end of the pipe.
    WAITS = """\
        import select
        say({"changes": [{"node": "s1", "id": "1", "effect": "e", "details": {}}]})
        select.select([int(os.environ["MUSTER_LIFELINE"])], [], [])
        note("ended", "by the lifeline")"""

    def test_child_sees_the_end_of_a_killed_program(self):
        self.answer("change hold", self.WAITS)
        script = """\
            import os, signal, sys
            sys.path.insert(0, %r)
            import muster
            cluster = muster.Cluster("lab", program=%r).start()
            change = cluster.node("s1").change(muster.NodeGroup("g"))
            os.kill(os.getpid(), signal.SIGKILL)""" % (str(HERE), str(self.program))
        killed = subprocess.run([sys.executable, "-B", "-c", textwrap.dedent(script)], check=False)
        self.assertEqual(killed.returncode, -signal.SIGKILL)
        self.assertTrue(await_true((self.directory / "ended").exists))
        self.assertTrue(await_true(lambda: is_gone(self.pids()[-1])))

    def test_copy_of_this_process_does_not_keep_children_alive(self):
        _program._lifeline.read_end()
        ends = _program._lifeline._ends
        pid = os.fork()
        if pid == 0:
            still_open = 0
            for end in ends:
                try:
                    os.fstat(end)
                    still_open += 1
                except OSError:
                    pass
            os._exit(still_open)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        os.fstat(ends[1])

    def test_no_other_child_inherits_the_write_end(self):
        self.answer("nodes", """\
            for fd in range(3, 100):
                if os.path.islink("/proc/self/fd/%%d" %% fd):
                    note("fds", os.readlink("/proc/self/fd/%%d" %% fd))
            say(%r)""" % NODES)
        self.cluster()
        pipe = os.readlink("/proc/self/fd/%d" % _program._lifeline.read_end())
        self.assertEqual((self.directory / "fds").read_text().split().count(pipe), 1)


class ProcessTest(FakeCase):
    def start(self, code, **options):
        self.answer("exec", code)
        started = self.cluster().node("s1").start(["x"], **options)
        self.addCleanup(started.cancel)
        return started

    LINES = """\
        say({"node": "s1", "pid": 7})
        say({"node": "s1", "stdout": "one\\ntw"})
        say({"node": "s1", "stderr": "oops"})
        say({"node": "s1", "stdout": "?", "stdout_base64": "b//M"})
        sys.stdin.read()
        say(%r)""" % ended(outcome="exited with status 4")

    def test_lines_come_as_they_are_written(self):
        started = self.start(self.LINES)
        self.assertEqual((started.pid, started.read_line(WAIT_SECONDS)), (7, b"one"))
        self.assertTrue(started.running())
        started.close_input()
        self.assertEqual(started.read_line(WAIT_SECONDS), b"two\xff\xcc")
        self.assertIsNone(started.read_line(WAIT_SECONDS))
        got = started.wait(WAIT_SECONDS)
        self.assertEqual((got.exit_status, got.stdout, got.stderr), (4, b"one\ntwo\xff\xcc", b"oops"))
        self.assertFalse(started.running())

    def test_waits_end_in_their_time(self):
        started = self.start(self.LINES)
        self.assertIs(self.error_of(lambda: started.wait(0.1)).kind, Kind.TIMEOUT)
        self.assertIs(self.error_of(lambda: started.read_until("none", 0.1)).kind, Kind.TIMEOUT)
        started.close_input()
        self.assertIs(self.error_of(lambda: started.read_until("none", WAIT_SECONDS)).kind,
                      Kind.NOT_FOUND)

    def test_cancel_ends_the_child(self):
        started = self.start("say({'node': 's1', 'pid': 7}); hang()")
        self.assertIs(started.cancel().outcome.kind, OutcomeKind.CANCELLED)
        self.assertTrue(is_gone(self.pids()[-1]))
        self.assertIs(started.cancel().outcome.kind, OutcomeKind.CANCELLED)

    def test_too_much_output_ends_the_command(self):
        with mock.patch.object(process, "_OUTPUT_BYTES_MAX", 1000):
            started = self.start("""\
                say({"node": "s1", "pid": 7})
                while True: say({"node": "s1", "stdout": "x" * 100})""")
            self.assertIs(started.wait(WAIT_SECONDS).outcome.kind, OutcomeKind.OUTPUT_LIMIT)

    def test_unreachable_node_is_an_error_of_start(self):
        entry = {"node": "s1", "error": {"kind": "unreachable", "detail": "no connection"}}
        error = self.error_of(lambda: self.start("say(%r); sys.exit(69)" % entry))
        self.assertEqual((error.kind, error.text), (Kind.UNREACHABLE, "no connection"))
        self.assertTrue(is_gone(self.pids()[-1]))

    def test_missing_program_is_an_outcome(self):
        started = self.start("say(%r); sys.exit(127)" % ended(outcome="not started: none"))
        self.assertEqual(started.pid, 0)
        self.assertIs(started.wait(WAIT_SECONDS).outcome.kind, OutcomeKind.NOT_STARTED)

    def test_muster_that_dies_is_an_error(self):
        started = self.start("say({'node': 's1', 'pid': 7}); os.kill(os.getpid(), 9)")
        self.assertIs(self.error_of(lambda: started.wait(WAIT_SECONDS)).kind, Kind.CANCELLED)

    def test_input_that_nobody_reads_is_an_error_in_time(self):
        started = self.start("say({'node': 's1', 'pid': 7}); hang()")
        error = self.error_of(lambda: started.write(b"x" * (1 << 20), timeout=0.2))
        self.assertIs(error.kind, Kind.TIMEOUT)
        started.close_input()
        self.assertIs(self.error_of(lambda: started.write(b"x")).kind, Kind.CONFLICT)


FAULT = "say({'id': 'f' * 32, 'kind': 'isolate', 'for_seconds': 60, 'nodes': [{'node': 's1'}]})"
HEALED = "say({'healed': [{'node': 's1'}], 'unknown': [], 'remaining': [], 'errors': []})"
OVER = "say({'healed': [], 'unknown': ['f'], 'remaining': [], 'errors': []})"


class OwnedTest(FakeCase):
    def test_fault_is_healed_at_the_end_of_its_with(self):
        self.answer("fault add", FAULT)
        self.answer("fault heal", HEALED)
        cluster = self.cluster()
        with self.assertRaises(ZeroDivisionError):
            with cluster.isolate("s1", hold=90, port=80, loss=0.3) as fault:
                self.assertTrue(fault.holds())
                raise ZeroDivisionError
        self.assertFalse(fault.holds())
        fault.heal()
        self.assertEqual(len(self.calls("fault heal")), 1)
        (words,) = self.calls("fault add")
        self.assertEqual(words[words.index("isolate"):],
                         ["isolate", "s1", "--port", "80", "--loss", "30%", "--for", "90000ms"])

    def test_fault_that_was_over_is_an_error(self):
        self.answer("fault add", FAULT)
        self.answer("fault heal", OVER)
        cluster = self.cluster()
        error = self.error_of(cluster.isolate("s1").heal)
        self.assertIs(error.kind, Kind.INFRASTRUCTURE)
        self.assertEqual(cluster.owned_count(), 0)

    def test_sets_are_words(self):
        self.answer("fault add", FAULT)
        self.answer("fault heal", HEALED)
        cluster = self.cluster()
        cluster.partition(["s1"], cluster.select("@server"), cluster.node("c1")).heal()
        words = self.calls("fault add")[0]
        self.assertEqual(words[words.index("partition"):-2],
                         ["partition", "s1", "/", "s1,s2,c1", "/", "c1"])

    def test_holder_that_had_ended_is_an_error(self):
        self.answer("forward", "say({'node': 's1', 'listen': '127.0.0.1:99', 'target': ''})")
        forward = muster.Forward.to_node(self.node(), 80)
        self.assertEqual(forward.port, 99)
        self.assertTrue(await_true(lambda: is_gone(self.pids()[-1])))
        self.assertIs(self.error_of(forward.close).kind, Kind.LOST)

    def test_holder_is_told_to_end_and_takes_back_what_it_made(self):
        self.answer("forward", """\
            signal.signal(signal.SIGTERM, lambda *_: (note("told", ""), sys.exit(0)))
            say({'node': 's1', 'listen': '/run/x.sock', 'target': ''})
            hang()""")
        with muster.Forward.to_node(self.node(), 80) as forward:
            self.assertEqual(forward.port, 0)
        self.assertTrue((self.directory / "told").exists())

    def test_refused_change_is_an_error_of_its_kind(self):
        self.answer("change hold", """\
            say({"changes": [], "errors": [{"node": "s1", "kind": "conflict", "detail": "there"}]})
            sys.exit(1)""")
        error = self.error_of(lambda: self.node().change(muster.TmpfsMount("/mnt", 1 << 20)))
        self.assertEqual((error.kind, error.node), (Kind.CONFLICT, "s1"))

    def test_change_that_cannot_be_taken_back_is_an_error(self):
        self.answer("change hold", """\
            say({"changes": [{"node": "s1", "id": "1", "effect": "e", "details": {}}]}); hang()""")
        self.answer("change list", """\
            say({"changes": [{"node": "s1", "id": "1", "effect": "e", "state": "failed",
                              "reason": "busy"}], "errors": []})""")
        error = self.error_of(self.node().change(muster.NodeGroup("g")).undo)
        self.assertIn("e: busy", str(error))

    def test_all_is_ended_though_one_fails(self):
        self.answer("fault add", FAULT)
        self.answer("fault heal", OVER)
        cluster = self.cluster()
        for _ in range(3):
            cluster.isolate("s1")
        self.assertIs(self.error_of(cluster.close).kind, Kind.INFRASTRUCTURE)
        self.assertEqual((len(self.calls("fault heal")), cluster.owned_count()), (3, 0))


class FileAndLogTest(FakeCase):
    CP = """\
        source, target = words[-2:]
        note("copied", source + " " + target)
        if ":" in source: open(target, "wb").write(b"content")
        else: note("mode", "%%o %%s" %% (os.stat(source).st_mode & 0o7777, open(source).read()))
        say({"transfers": [{"source": %s, "target": target, "files": 1, "bytes": 7, "sha256": "",
             "left_out": 0, "left_out_files": [], "error": None, "error_kind": None}]})"""

    def test_file_is_copied_whole(self):
        self.answer("cp", self.CP % "source")
        node = self.node()
        self.assertEqual(node.read_file("/etc/x"), b"content")
        node.write_file("/etc/x", "new", mode=0o640)
        self.assertEqual((self.directory / "mode").read_text(), "640 new\n")

    def test_pattern_is_not_taken_for_another_file(self):
        self.answer("cp", self.CP % "'s1:/etc/b'")
        self.assertIs(self.error_of(lambda: self.node().read_file("/etc/[a-c]")).kind,
                      Kind.NOT_FOUND)

    def test_lines_and_notes_make_a_slice(self):
        self.answer("logs", """\
            if "--mark" in words: open(words[words.index("--mark") + 1], "w").write("the mark")
            else:
                note("mark", open(words[words.index("--since-mark") + 1]).read())
                say({"node": "s1", "file": "/l", "number": 1, "text": "a"})
                say({"node": "s1", "file": "/l", "note": "was emptied"})
                say({"node": "s1", "file": "/l", "text": "b", "unfinished": True})
                if "--follow" in words: hang()""")
        log = self.node().log("/l")
        mark = log.mark()
        got = log.since(mark, ["x"])
        self.assertEqual(([line.text for line in got.lines], got.is_whole), ([b"a", b"b"], False))
        self.assertEqual((self.directory / "mark").read_text(), "the mark\n")
        self.assertEqual(log.wait_for("x", mark, WAIT_SECONDS).text, b"a")
        self.assertTrue(is_gone(self.pids()[-1]))

    def test_log_that_cannot_be_read_is_an_error_of_its_kind(self):
        self.answer("logs", """\
            say({"node": "s1", "kind": "unsupported", "detail": "no journal"}); sys.exit(69)""")
        log = self.node().log(muster.LogSource.unit("kvd"))
        for call in (log.mark, lambda: log.since(muster.LogMark("m")),
                     lambda: log.wait_for("x", muster.LogMark("m"), WAIT_SECONDS)):
            self.assertIs(self.error_of(call).kind, Kind.UNSUPPORTED)


class ClusterCaseTest(FakeCase):
    """Runs cases of muster.testing within this test."""

    def outcome(self, test, cluster_file="lab"):
        case = type("Case", (muster.testing.ClusterTestCase,),
                    {"cluster_file": cluster_file, "test": test})
        got = unittest.TestResult()
        with mock.patch.dict(os.environ, {"MUSTER_BIN_DIR": str(self.directory)}):
            unittest.TestSuite([case("test")]).run(got)
        return got

    @staticmethod
    def isolate(case):
        case.cluster.isolate("s1")

    def test_fault_of_a_test_is_healed_after_it(self):
        self.answer("fault add", FAULT)
        self.answer("fault heal", HEALED)
        got = self.outcome(self.isolate)
        self.assertTrue(got.wasSuccessful(), got.errors)
        self.assertEqual((got.testsRun, len(self.calls("fault heal"))), (1, 1))

    def test_test_owns_its_faults_and_the_class_its_own(self):
        self.answer("fault add", FAULT)
        self.answer("fault heal", HEALED)
        counts = []

        class Case(muster.testing.ClusterTestCase):
            cluster_file = "lab"

            @classmethod
            def setUpClass(cls):
                super().setUpClass()
                cls.cluster.isolate("s1")

            def test(self):
                counts.append(self.cluster.owned_count())
                self.isolate(self)
        Case.isolate = staticmethod(self.isolate)
        got = unittest.TestResult()
        with mock.patch.dict(os.environ, {"MUSTER_BIN_DIR": str(self.directory)}):
            unittest.TestSuite([Case("test"), Case("test")]).run(got)
        self.assertTrue(got.wasSuccessful(), got.errors)
        self.assertEqual((counts, len(self.calls("fault heal"))), ([1, 1], 3))

    def test_fault_that_was_over_fails_the_test(self):
        self.answer("fault add", FAULT)
        self.answer("fault heal", OVER)
        got = self.outcome(self.isolate)
        self.assertEqual((got.testsRun, len(got.errors)), (1, 1))
        self.assertIn("had ended before it was healed", got.errors[0][1])

    def test_machine_that_cannot_make_nodes_skips(self):
        self.answer("nodes", "sys.exit(69)")
        self.answer("up", "sys.stderr.write('root is missing\\n'); sys.exit(77)")
        got = self.outcome(lambda case: None, "lab.yaml")
        self.assertEqual((got.testsRun, len(got.errors)), (0, 0))
        self.assertIn("root is missing", got.skipped[0][1])

    def test_wrong_file_is_an_error_and_no_skip(self):
        self.answer("nodes", "sys.exit(65)")
        got = self.outcome(lambda case: None, "lab.yaml")
        self.assertEqual((len(got.errors), len(got.skipped)), (1, 0))

    def test_cluster_that_was_made_is_removed_and_another_stays(self):
        self.answer("nodes", "say(%r) if os.path.exists(here + '/up') else sys.exit(69)" % NODES)
        self.answer("up", "note('up', ''); say({'cluster': 'lab'}); hang()")
        self.assertTrue(self.outcome(lambda case: None, "lab.yaml").wasSuccessful())
        self.assertIn("--hold", self.calls("up")[0])
        self.assertTrue(all(is_gone(pid) for pid in self.pids()))
        self.assertTrue(self.outcome(lambda case: None, "lab.yaml").wasSuccessful())
        self.assertEqual(len(self.calls("up")), 1)

    def test_wrong_kind_fails(self):
        def test(case):
            with case.assertFailsWith(Kind.DENIED):
                case.cluster.node("nobody")
        got = self.outcome(test)
        self.assertEqual(len(got.errors), 1)

        def silent(case):
            with case.assertFailsWith(Kind.DENIED):
                pass
        self.assertEqual(len(self.outcome(silent).failures), 1)


if __name__ == "__main__":
    unittest.main()
