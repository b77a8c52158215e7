"""Changes of real nodes and forwards, which end with their `with`."""
import socket
import threading
import unittest

import muster
from muster import Condition, Forward, Kind
from muster.testing import ClusterTestCase

WAIT_SECONDS = 20.0


class ChangeTest(ClusterTestCase):
    def setUp(self):
        self.node = self.cluster.node("server1")

    def test_change_holds_and_is_taken_back(self):
        with self.node.change(muster.HostsEntry("10.99.7.7", ["held", "held.example"])) as change:
            self.assertIn(b"held.example", self.node.read_file("/etc/hosts"))
            self.assertIn("held", change.text)
        self.assertNotIn(b"held", self.node.read_file("/etc/hosts"))
        change.undo()

    def test_old_value_is_known(self):
        path = "/proc/sys/net/ipv4/ip_forward"
        before = self.node.read_file(path).decode().strip()
        wanted = "1" if before == "0" else "0"
        with self.node.change(muster.Sysctl("net.ipv4.ip_forward", wanted)) as change:
            self.assertEqual(change.details["before"], before)
            self.assertEqual(self.node.read_file(path).decode().strip(), wanted)
        self.assertEqual(self.node.read_file(path).decode().strip(), before)

    def test_kinds_are_made_as_they_say(self):
        for spec, look in (
                (muster.TmpfsMount("/mnt/held", 1 << 20), ["mountpoint", "/mnt/held"]),
                (muster.VethPair("held0", "held1"), ["ip", "link", "show", "held1"]),
                (muster.Bridge("heldbr"), ["ip", "link", "show", "heldbr"]),
                (muster.NodeGroup("heldgroup"), ["getent", "group", "heldgroup"])):
            with self.subTest(spec=spec):
                with self.node.change(spec):
                    self.node.run(look).checked()
                self.assertFalse(self.node.run(look).succeeded)

    def test_change_of_a_set_is_on_all_nodes_or_on_none(self):
        servers = self.cluster.servers()
        mounted = ["mountpoint", "-q", "/mnt/held"]
        with servers.change(muster.TmpfsMount("/mnt/held", 1 << 20)) as change:
            servers.run(mounted).checked()
            self.assertEqual(sorted(change.ids), servers.names())
            with self.assertFailsWith(Kind.CONFLICT):
                self.cluster.nodes.change(muster.TmpfsMount("/mnt/held", 1 << 20))
            self.assertFalse(self.cluster.node("client1").run(mounted).succeeded)
        self.assertFalse(any(each.succeeded for each in servers.run(mounted).values()))

    def test_service_has_a_variable(self):
        self.node.write_file("/etc/init.d/pykvd", "#!/bin/sh\n", mode=0o755)
        settings = "/etc/default/pykvd"
        with self.node.change(muster.ServiceEnvironment("pykvd", {"KVD_LOG": "a b"})) as change:
            self.assertEqual(change.details["file"], settings)
            self.assertIn(b"KVD_LOG", self.node.read_file(settings))
        self.assertFalse(self.node.file(settings).exists())

    def test_wrong_changes_have_kinds(self):
        for kind, spec in ((Kind.NOT_FOUND, muster.Sysctl("no.such.parameter", "1")),
                           (Kind.INVALID, muster.OpenPort(70000)),
                           (Kind.NOT_FOUND, muster.ExtraAddress("10.99.7.7/24", "none0"))):
            with self.subTest(spec=spec), self.assertFailsWith(kind):
                self.node.change(spec)

    def test_port_of_the_node_is_reached_from_here(self):
        with self.node.start(["python3", "-m", "http.server", "8080", "-b", "127.0.0.1"]):
            self.node.wait_for(Condition.port(8080), WAIT_SECONDS)
            with Forward.to_node(self.node, 8080) as forward:
                with socket.create_connection(("127.0.0.1", forward.port), WAIT_SECONDS) as web:
                    web.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    self.assertIn(b" 200 ", web.makefile("rb").readline())
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", forward.port), WAIT_SECONDS)

    def test_port_of_this_machine_is_reached_from_the_node(self):
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)

        def greet():
            connection, _ = server.accept()
            connection.sendall(b"hello from here\n")
            connection.close()
        greeter = threading.Thread(target=greet, daemon=True)
        greeter.start()
        with Forward.from_node(self.node, server.getsockname()[1]) as forward:
            talk = "cat < /dev/tcp/127.0.0.1/%d" % forward.port
            self.assertEqual(self.node.output(["bash", "-c", talk]), b"hello from here\n")
        with self.assertFailsWith(Kind.INVALID):
            Forward.to_node(self.node, "kvd.example.org:80")


if __name__ == "__main__":
    unittest.main()
