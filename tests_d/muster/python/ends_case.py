"""What is left of a program that was killed: nothing."""
import os
import signal
import subprocess
import sys
import time
import unittest

import muster
from muster.testing import ClusterTestCase

WAIT_SECONDS = 40.0

# Begins one thing of each kind, and says that they are there.
PROGRAM = """
import sys
import time
import muster
cluster = muster.Cluster(sys.argv[1]).start()
node = cluster.node("server1")
sleeper = node.start(["sh", "-c", "echo begun; sleep 973; true"])
sleeper.read_until("begun", 20)
change = node.change(muster.HostsEntry("10.99.7.7", ["held"]))
forward = muster.Forward.to_node(node, 80)
fault = cluster.isolate("server2", hold=20)
print(forward.port, flush=True)
node.run(["sleep", "974"], timeout=1000)
"""

MAKER = """
import sys
import muster
cluster = muster.Cluster(sys.argv[1], name=sys.argv[2]).start()
print("up", flush=True)
sys.stdin.read()
"""


def processes_of(run):
    """Returns the processes of this machine that belong to a run, with their command lines."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/environ" % pid, "rb") as file:
                if b"MUSTER_RUN_ID=" + run.encode() in file.read().split(b"\0"):
                    with open("/proc/%s/cmdline" % pid, "rb") as file:
                        found.append(file.read().replace(b"\0", b" "))
        except OSError:
            continue
    return found


class EndTest(ClusterTestCase):
    def becomes(self, condition):
        until = time.monotonic() + WAIT_SECONDS
        while not condition():
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True

    def start(self, program, *arguments):
        """Starts a program of a run of its own, and returns it with its first line."""
        self.run_id = "killed-%d-%d" % (os.getpid(), time.monotonic_ns())
        environment = dict(os.environ, MUSTER_RUN_ID=self.run_id)
        started = subprocess.Popen([sys.executable, "-B", "-c", program, *arguments],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self.addCleanup(started.communicate)
        self.addCleanup(started.kill)
        line = started.stdout.readline().decode()
        self.assertTrue(line)
        return started, line

    def test_killed_program_leaves_nothing(self):
        node = self.cluster.node("server1")
        killed, _ = self.start(PROGRAM, self.cluster.name)
        self.assertTrue(self.becomes(lambda: node.run(["pgrep", "-fx", "sleep 974"]).succeeded))
        self.assertIn(b"held", node.read_file("/etc/hosts"))
        self.assertGreaterEqual(len(processes_of(self.run_id)), 5)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        self.assertTrue(self.becomes(lambda: not processes_of(self.run_id)),
                        processes_of(self.run_id))
        # Their sessions were closed, so that the node did not have to wait for the leases.
        self.assertEqual(node.run(["pgrep", "-f", "sleep 97[34]"]).exit_status, 1)
        self.assertNotIn(b"held", node.read_file("/etc/hosts"))
        self.assertTrue(self.becomes(lambda: not self.faults()), self.faults())
        node.run(["ping", "-c1", "-W1", "server2"]).checked()

    def test_killed_program_takes_its_cluster_along(self):
        name = self.cluster.name + "k"
        killed, line = self.start(MAKER, os.environ["MUSTER_CLUSTER"], name)
        self.assertEqual(line, "up\n")
        muster.Cluster(name).start().close()
        self.assertTrue(os.path.exists("/run/muster/" + name))
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        self.assertTrue(self.becomes(lambda: not os.path.exists("/run/muster/" + name)))
        self.assertTrue(self.becomes(lambda: not processes_of(self.run_id)),
                        processes_of(self.run_id))

    def test_interrupted_program_ends_what_it_has_begun(self):
        with_program = PROGRAM + "sys.exit('the command ended')\n"
        node = self.cluster.node("server1")
        interrupted, _ = self.start(with_program, self.cluster.name)
        self.assertTrue(self.becomes(lambda: node.run(["pgrep", "-fx", "sleep 974"]).succeeded))
        interrupted.send_signal(signal.SIGINT)
        self.assertEqual(interrupted.wait(WAIT_SECONDS), -signal.SIGINT)
        self.assertTrue(self.becomes(lambda: not processes_of(self.run_id)))
        self.assertTrue(self.becomes(lambda: not self.faults()), self.faults())

    def faults(self):
        return self.cluster._command.value("fault list", [], 10.0, "look for faults")["faults"]


if __name__ == "__main__":
    unittest.main()
