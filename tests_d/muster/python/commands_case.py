"""Commands, facts, services and waits on real nodes, and the kinds of their errors."""
import glob
import os
import signal
import unittest

import muster
from muster import Condition, Kind, OutcomeKind
from muster.testing import ClusterTestCase

WAIT_SECONDS = 20.0

LAMP = """#!/bin/sh
case $1 in
start) touch /run/lamp ;;
stop) rm -f /run/lamp ;;
status) test -e /run/lamp || exit 3 ;;
esac
"""


class CommandTest(ClusterTestCase):
    def setUp(self):
        self.node = self.cluster.node("server1")

    def test_bytes_pass_whole_both_ways(self):
        data = bytes(range(256)) * 10_000
        self.assertEqual(self.node.run(["cat"], stdin=data).checked().stdout, data)
        got = self.node.run(["sh", "-c", "printf '\\377\\000'; echo no >&2; exit 3"])
        self.assertEqual((got.stdout, got.stderr, got.exit_status), (b"\xff\0", b"no\n", 3))

    def test_no_shell_reads_a_command(self):
        self.assertEqual(self.node.output(["echo", "$HOME *", "a  b"]), b"$HOME * a  b\n")

    def test_command_runs_as_it_was_asked_for(self):
        script = "echo \"$A|$B\"; pwd; id -un"
        got = self.node.shell(script, env={"A": "x = y", "B": ""}, directory="/tmp", user="nobody")
        self.assertEqual(got.checked().lines(), ["x = y|", "/tmp", "nobody"])

    def test_ends_are_outcomes(self):
        def outcome(*argv, **options):
            return self.node.run(argv, **options).outcome
        self.assertEqual(outcome("sh", "-c", "kill -9 $$").signal, signal.SIGKILL)
        self.assertIs(outcome("no-such-program").kind, OutcomeKind.NOT_STARTED)
        self.assertIs(outcome("sleep", "60", timeout=0.5).kind, OutcomeKind.DEADLINE)
        # The status by which `muster` says that a node cannot be reached.
        self.assertEqual(outcome("sh", "-c", "exit 69").exit_status, 69)

    def test_process_is_read_written_and_ended(self):
        script = "echo begun; while read line; do echo \"got $line\"; done; exit 7"
        with self.node.start(["sh", "-c", script]) as process:
            process.read_until("begun", WAIT_SECONDS)
            self.assertTrue(self.node.file("/proc/%d" % process.pid).exists())
            process.write(b"one\n")
            self.assertEqual(process.read_line(WAIT_SECONDS), b"got one")
            process.close_input()
            self.assertEqual(process.wait(WAIT_SECONDS).exit_status, 7)

    def test_process_ends_with_its_with(self):
        with self.node.start(["sh", "-c", "sleep 971 & echo begun; wait"]) as process:
            process.read_until("begun", WAIT_SECONDS)
            self.assertEqual(self.node.run(["pgrep", "-f", "sleep 971"]).exit_status, 0)
        self.assertEqual(self.node.run(["pgrep", "-fx", "sleep 971"]).exit_status, 1)
        self.assertIs(process.cancel().outcome.kind, OutcomeKind.CANCELLED)

    def test_sets_answer_by_name(self):
        servers = self.cluster.servers()
        self.assertEqual(servers.names(), ["server1", "server2", "server3"])
        self.assertEqual(self.cluster.select("@server!server2").names(), ["server1", "server3"])
        self.assertEqual((servers[1:].names(), servers.without("server1").first.name),
                         (["server2", "server3"], "server2"))
        self.assertEqual(self.cluster.other_than(servers).names(), ["client1"])
        answers = servers.run(["uname", "-n"]).checked()
        self.assertEqual({name: each.line() for name, each in answers.items()},
                         {name: name for name in servers.names()})

    def test_node_that_stands_still_is_unreachable(self):
        (control,) = [path for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified") for path in
                      glob.glob("%s/muster/%s/server3/cgroup.freeze" % (root, self.cluster.name))]
        self.cluster._command.connect_seconds = 1.0
        self.addCleanup(setattr, self.cluster._command, "connect_seconds", 10.0)
        with open(control, "w", encoding="ascii") as file:
            file.write("1")
        try:
            answers = self.cluster.servers().run(["true"])
            self.assertEqual({name: error.kind for name, error in answers.errors.items()},
                             {"server3": Kind.UNREACHABLE})
            self.assertTrue(answers["server1"].succeeded)
            self.assertEqual(self.cluster.select("server3").names(), ["server3"])
            for call in (lambda: self.cluster.node("server3").start(["true"]),
                         lambda: self.cluster.node("server3").read_file("/etc/hostname"),
                         lambda: self.cluster.isolate("server3"), answers.checked):
                with self.assertFailsWith(Kind.UNREACHABLE):
                    call()
        finally:
            with open(control, "w", encoding="ascii") as file:
                file.write("0")
        self.cluster._command.connect_seconds = 20.0
        self.cluster.node("server3").run(["true"]).checked()

    def test_facts_are_those_of_the_machine(self):
        facts = self.node.facts()
        self.assertEqual(facts.kernel_release, os.uname().release)
        self.assertGreater(facts.memory.total_bytes, 0)

    def test_service_is_controlled_by_its_manager(self):
        self.node.write_file("/etc/init.d/lamp", LAMP, mode=0o755)
        lamp = self.node.service("lamp")
        self.assertEqual(lamp.status().state, "stopped")
        self.assertTrue(lamp.start().running)
        self.assertEqual(lamp.wait_active(WAIT_SECONDS).manager, "sysv")
        self.assertEqual(lamp.stop().state, "stopped")
        with self.assertFailsWith(Kind.UNSUPPORTED):
            lamp.mask()
        with self.assertFailsWith(Kind.TIMEOUT):
            lamp.wait_active(0.3)
        with self.assertFailsWith(Kind.NOT_FOUND):
            self.node.service("no-such-service").status()

    def test_waits_see_what_the_node_sees(self):
        with self.node.start(["python3", "-m", "http.server", "8080", "-b", "127.0.0.1"]):
            self.node.wait_for(Condition.port(8080), WAIT_SECONDS)
            response = self.node.http_get("http://localhost:8080/nothing", {"X-Test": "1"})
            self.assertEqual(response.status, 404)
            self.assertIn(b"404", response.body)
        self.cluster.servers().wait_for(Condition.port(8080).absent(), WAIT_SECONDS).checked()
        with self.assertFailsWith(Kind.TIMEOUT):
            self.node.wait_for(Condition.file("/no/such/file"), 0.3)

    def test_mistakes_are_invalid(self):
        for call in (lambda: self.node.run([]), lambda: self.cluster.select("nobody"),
                     lambda: self.node.run(["x"], env={"": "x"}),
                     lambda: self.node.wait_for(Condition(("door", "1")), 1.0)):
            with self.assertFailsWith(Kind.INVALID):
                call()
        with self.assertFailsWith(Kind.NOT_FOUND):
            self.cluster.node("nobody")
        with self.assertFailsWith(Kind.INFRASTRUCTURE):
            muster.Cluster("no-such-cluster").start()


if __name__ == "__main__":
    unittest.main()
