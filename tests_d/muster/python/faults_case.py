"""Faults of real nodes: they cut, they heal, and they end with the test."""
import unittest

import muster
from muster import Kind
from muster.testing import ClusterTestCase

WAIT_SECONDS = 20.0


class FaultTest(ClusterTestCase):
    @classmethod
    def tearDownClass(cls):
        # What the tests have left is healed by then.
        faults = cls.cluster._command.value("fault list", [], 10.0, "look for faults")["faults"]
        assert not faults, faults
        super().tearDownClass()

    def setUp(self):
        self.one, self.two, self.three = self.cluster.servers()

    def reaches(self, source, target):
        return source.run(["ping", "-c1", "-W1", target.address]).succeeded

    def test_partition_cuts_and_heals(self):
        self.assertTrue(self.reaches(self.one, self.two))
        with self.cluster.partition([self.one], ["server2", self.three]) as fault:
            self.assertFalse(self.reaches(self.one, self.two))
            self.assertFalse(self.reaches(self.three, self.one))
            self.assertTrue(self.reaches(self.two, self.three))
            self.assertGreater(fault.packets_dropped(), 0)
            self.assertEqual(fault.nodes, ["server1", "server2", "server3"])
        self.assertTrue(self.reaches(self.one, self.two))
        with self.assertFailsWith(Kind.INFRASTRUCTURE):
            fault.packets_dropped()

    def test_shapes_of_cuts(self):
        with self.cluster.isolate(self.one, protocol="udp", hold=30):
            self.assertTrue(self.reaches(self.one, self.two))
        with self.cluster.bridge([self.one], self.two, self.three):
            self.assertFalse(self.reaches(self.one, self.three))
            self.assertTrue(self.reaches(self.one, self.two))
        with self.cluster.cut_one_way(self.one, self.two, loss=1.0):
            self.assertFalse(self.reaches(self.two, self.one))
        with self.cluster.majority_ring("@*") as ring:
            self.assertEqual(len(ring.nodes), 4)

    def test_slow_node_is_slow(self):
        with self.cluster.degrade(self.one, bits_per_second=8_000_000) as fault:
            self.assertEqual(fault.kind, "degrade")

    def test_fault_whose_time_was_over_is_an_error(self):
        fault = self.cluster.isolate(self.one, hold=1.0)
        self.one.run(["sleep", "3"]).checked()
        with self.assertFailsWith(Kind.INFRASTRUCTURE):
            fault.heal()

    def test_wrong_faults_are_refused(self):
        for call in (lambda: self.cluster.partition(["server1"], ["server1", "server2"]),
                     lambda: self.cluster.isolate("server1", loss=2.0),
                     lambda: self.cluster.isolate("server1", hold=0.1)):
            with self.assertFailsWith(Kind.INVALID):
                call()
        with self.assertFailsWith(Kind.NOT_FOUND):
            self.cluster.faults_on("server1").pause(muster.processes_named("no-such-process"))

    def test_paused_process_goes_on(self):
        ticker = self.one.start(["sh", "-c", "while echo tick; do sleep 0.1; done"])
        ticker.read_until("tick", WAIT_SECONDS)
        state = ["ps", "-o", "state=", "-p", str(ticker.pid)]
        with self.cluster.faults_on(self.one).pause(muster.process_with_pid(ticker.pid)):
            self.assertEqual(self.one.output(state), b"T\n")
        self.assertNotEqual(self.one.output(state), b"T\n")
        (killed,) = self.cluster.faults_on(self.one).kill(muster.process_with_pid(ticker.pid))
        self.assertEqual((killed.node, killed.pid), ("server1", ticker.pid))
        self.assertEqual(ticker.wait(WAIT_SECONDS).outcome.signal, 9)

    def test_full_disk_is_full_until_it_is_healed(self):
        with self.one.change(muster.TmpfsMount("/mnt/small", 1 << 20)):
            with self.cluster.faults_on(self.one).fill_disk("/mnt/small"):
                self.assertFalse(self.one.run(["dd", "if=/dev/zero", "of=/mnt/small/x"]).succeeded)
            self.one.run(["dd", "if=/dev/zero", "of=/mnt/small/x", "count=1"]).checked()

    def test_fault_that_a_test_leaves_is_healed(self):
        self.cluster.isolate(self.three, hold=3600.0)
        self.assertFalse(self.reaches(self.one, self.three))


if __name__ == "__main__":
    unittest.main()
