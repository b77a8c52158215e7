"""Logs of real nodes."""
import unittest

from muster import Kind
from muster.testing import ClusterTestCase

WAIT_SECONDS = 20.0


class LogTest(ClusterTestCase):
    def setUp(self):
        self.node = self.cluster.node("server1")
        self.node.file("/var/log/kvd").remove_tree()
        self.node.file("/var/log/kvd").make_directory()
        self.log = self.node.log("/var/log/kvd/*.log")

    def write(self, script):
        self.node.shell("cd /var/log/kvd; " + script).checked()

    def test_slice_has_what_was_written_since_the_mark(self):
        self.write("echo before > a.log")
        mark = self.log.mark()
        self.write("printf 'one\\n\\377\\n' >> a.log; mv a.log a.log.1; echo two > a.log")
        got = self.log.since(mark)
        self.assertEqual([line.text for line in got.lines], [b"one", b"\xff", b"two"])
        self.assertTrue(got.is_whole)
        self.assertEqual([line.text for line in self.log.since(mark, ["tw."]).lines], [b"two"])

    def test_slice_says_what_is_missing(self):
        self.write("echo before > a.log")
        mark = self.log.mark()
        self.write("echo lost >> a.log; : > a.log")
        got = self.log.since(mark)
        self.assertEqual([note.file for note in got.notes], ["/var/log/kvd/a.log"])

    def test_wait_finds_lines_before_and_after_its_beginning(self):
        mark = self.log.mark()
        self.write("echo ready on port 7000 > a.log")
        line = self.log.wait_for("port [0-9]+", mark, WAIT_SECONDS)
        self.assertEqual((line.node, line.text), ("server1", b"ready on port 7000"))
        later = "read x; echo begun >> /var/log/kvd/a.log; cat"
        with self.node.start(["sh", "-c", later]) as writer:
            writer.write(b"go\n")
            self.assertEqual(self.log.wait_for("^begun$", mark, WAIT_SECONDS).text, b"begun")

    def test_line_that_does_not_come_is_a_timeout_with_those_that_did(self):
        mark = self.log.mark()
        self.write("echo something > a.log")
        with self.assertRaisesRegex(Exception, "timeout.*something"):
            self.log.wait_for("never", mark, 0.5)

    def test_mistakes_have_kinds(self):
        with self.assertFailsWith(Kind.INVALID):
            self.log.wait_for("(", self.log.mark(), 1.0)
        with self.assertFailsWith(Kind.INVALID):
            self.node.log("relative.log").mark()


if __name__ == "__main__":
    unittest.main()
