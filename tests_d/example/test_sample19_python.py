#!/usr/bin/env python3
"""Sample 19: tests in Python. They run on three servers and a client that they make themselves."""
import unittest

import muster
from muster.testing import ClusterTestCase


class PythonSample(ClusterTestCase):
    cluster_file = "config/local.yaml"

    def test_outcomes_are_values(self):
        server = self.cluster.node("server1")
        self.assertEqual(server.run(["echo", "hello"]).stdout, b"hello\n")
        self.assertEqual(server.run(["sh", "-c", "exit 3"]).exit_status, 3)
        names = self.cluster.servers().run(["uname", "-n"]).checked()
        self.assertEqual(names["server2"].line(), "server2")

    def test_isolated_server_is_alone(self):
        victim, other, third = self.cluster.servers()
        ping = ["ping", "-c1", "-W1", other.address]
        with self.cluster.isolate(victim):
            self.assertFalse(victim.run(ping).succeeded)
            self.assertTrue(third.run(ping).succeeded)
        # Healed here, whether or not the assertions held.
        self.assertTrue(victim.run(ping).succeeded)

    def test_daemon_is_ready(self):
        server = self.cluster.node("server1")
        server.write_file("/etc/kvd.conf", "port = 7000\n")
        log = server.log("/var/log/kvd.log")
        mark = log.mark()
        script = "echo ready: $(cat /etc/kvd.conf) >> /var/log/kvd.log; exec sleep 60"
        with server.start(["sh", "-c", script]):
            line = log.wait_for("port = [0-9]+", mark, within=10)
        self.assertEqual(line.text, b"ready: port = 7000")

    def test_missing_file_is_an_error(self):
        try:
            self.cluster.node("server1").read_file("/none")
            self.fail("there is no such file")
        except muster.NodeError as error:
            self.assertIs(error.kind, muster.Kind.NOT_FOUND)

    def test_setting_holds_for_a_while(self):
        server = self.cluster.node("server1")
        with server.change(muster.HostsEntry("10.9.0.5", ["kvd"])):
            self.assertIn(b"kvd", server.read_file("/etc/hosts"))
        self.assertNotIn(b"kvd", server.read_file("/etc/hosts"))


if __name__ == "__main__":
    unittest.main()
