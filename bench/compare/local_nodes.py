"""Muster's local nodes, namespaces of this machine: from nothing to a command, and a test program on nodes that are up."""
import contextlib
import os
import pathlib
import secrets
import subprocess
import time
import xml.etree.ElementTree

from peers import Peer
from processes import Failed, Skipped

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALL_SECONDS = 60


def leave(directory):
    """Removes it, unless clusters outside use it by now, or removed it when they were done."""
    with contextlib.suppress(OSError):
        os.rmdir(directory)


class LocalNodes:
    """Its peers skip their works, with the reason, on machines that cannot have such nodes."""

    def __init__(self, scope, programs, directory):
        self.programs, self.directory = programs, directory
        # Control groups are the machine's, and only their names keep clusters apart.
        self.name = f"bench-{secrets.token_hex(4)}"
        self.live = None
        self._give_disks_a_place(scope)
        scope.defer(self._take_down_live)
        self.peers = [
            Peer("Muster, bare nodes", {"local-nodes": self._each(lambda: self._from_nothing("local.yaml"))}),
            Peer("Muster, nodes with systemd", {
                "local-nodes": self._each(lambda: self._from_nothing("systemd-local.yaml"))}),
            Peer("Muster, gtest program", {"empty-case": self._each(self._empty_case)}, prepare={
                "empty-case": self._bring_up_live})]

    def _each(self, work):
        return lambda count: [work() for _ in range(count)]

    @staticmethod
    def _give_disks_a_place(scope):
        """Overlays cannot be stacked on any file system, and what a killed run leaves must not outlive it."""
        place = "/var/lib/muster"
        if not os.path.exists(place):
            os.mkdir(place, 0o755)
            scope.defer(lambda: leave(place))
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "bench", place], check=True)
        # Removing the directory outside, as the end of another cluster does, removes the mount as well.
        scope.defer(lambda: subprocess.run(["umount", "-l", place], check=False, stderr=subprocess.DEVNULL))

    def _muster(self, *words):
        done = subprocess.run([self.programs / "muster", *words], capture_output=True, text=True, check=False,
                              timeout=CALL_SECONDS)
        if done.returncode != 0:
            raise Failed(f"muster {' '.join(str(word) for word in words)}: {(done.stderr or done.stdout).strip()[-300:]}")

    def _require(self, cluster_file):
        try:
            self._muster("check", cluster_file)
        except Failed as failure:
            raise Skipped(str(failure)) from failure

    def _from_nothing(self, cluster_file):
        path = ROOT / "config" / cluster_file
        self._require(path)
        begin = time.monotonic()
        try:
            self._muster("up", path, "--name", self.name)
            self._muster("exec", "--cluster", self.name, "server[1-3],client1", "--", "/bin/true")
            return time.monotonic() - begin
        finally:
            self._muster("down", self.name)

    def _bring_up_live(self):
        if self.live is None:
            path = ROOT / "config" / "local.yaml"
            self._require(path)
            self.live = f"{self.name}-live"
            self._muster("up", path, "--name", self.live)

    def _take_down_live(self):
        if self.live is not None:
            self._muster("down", self.live)
            self.live = None

    def _empty_case(self):
        """The program's start to its exit. That it wrote its record is checked each time."""
        record = pathlib.Path(self.directory) / "empty-case.xml"
        record.unlink(missing_ok=True)
        begin = time.monotonic()
        done = subprocess.run([self.programs / "bench_case", f"--cluster={self.live}", f"--gtest_output=xml:{record}"],
                              capture_output=True, text=True, check=False, timeout=CALL_SECONDS)
        elapsed = time.monotonic() - begin
        if done.returncode != 0:
            raise Failed(f"bench_case: status {done.returncode}: {done.stderr.strip()[-300:]}")
        written = xml.etree.ElementTree.parse(record).getroot()
        if (written.get("tests"), written.get("failures"), written.get("disabled")) != ("1", "0", "0"):
            raise Failed(f"bench_case: the record is not of one test that passed: {written.attrib}")
        return elapsed
