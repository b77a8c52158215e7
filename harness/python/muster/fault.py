"""Faults of the network and of nodes, which are healed by the end of their `with`.

    with cluster.isolate(victim) as cut:
        assert not victim.run(["ping", "-c1", "-W1", other.address]).succeeded
        assert cut.packets_dropped() > 0
    # Healed here, whether or not the assertions held.

    with cluster.faults_on(victim).pause(muster.processes_named("kvd")):
        ...

Every fault is witnessed: the call returns when the nodes have seen it, and fails otherwise. The
control path is never cut.

Things to get right:
  * The nodes hold a fault for its time, `hold`, 60 s by default, and end it then: also if this
    program was killed. One that was over before it was healed is NodeError INFRASTRUCTURE, since
    the test may have gone on without it.
  * Hold it by `with`, or call `heal`. What is forgotten ends with its time.
"""
from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, List, Optional, Sequence

from ._owned import Owned
from ._program import error_of, failure_of, time_word
from .errors import Kind, NodeError

if TYPE_CHECKING:
    from .cluster import Cluster

#: How long the nodes hold a fault unless another time is asked for.
HOLD_SECONDS = 60.0
# A fault is witnessed within this time, or not at all.
_INJECT_SECONDS = 40.0
_HEAL_SECONDS = 30.0


@dataclasses.dataclass(frozen=True)
class ProcessChoice:
    """Says which processes of a node a fault is for. Made by the functions below."""

    words: Sequence[str]


def processes_named(name: str) -> ProcessChoice:
    """All processes of a name: that of the program, or the last part of argv[0]."""
    return ProcessChoice(("--name", name))


def processes_of_unit(unit: str) -> ProcessChoice:
    """All processes of a service of systemd."""
    return ProcessChoice(("--unit", unit))


def process_with_pid(pid: int) -> ProcessChoice:
    """The process of that number, such as Process.pid."""
    return ProcessChoice(("--pid", str(pid)))


@dataclasses.dataclass(frozen=True)
class KilledProcess:
    """One process that NodeFaults.kill has ended."""

    node: str
    pid: int
    name: str


class Fault(Owned):
    """Stands for one fault."""

    def __init__(self, cluster: "Cluster", words: Sequence[str], hold: float) -> None:
        self._operation = "fault " + " ".join(words[:1])
        options = ["--for", time_word(hold)]
        value = cluster._command.value("fault add", [*words, *options], _INJECT_SECONDS,
                                       self._operation)
        #: The name under which `muster fault list` shows it.
        self.id: str = value["id"]
        self.kind: str = value["kind"]
        #: The names of the nodes that have a part in it.
        self.nodes: List[str] = [part["node"] for part in value["nodes"]]
        super().__init__(cluster)

    def heal(self) -> None:
        """Ends the fault, and returns when it is witnessed that it is gone.

        NodeError INFRASTRUCTURE if it had ended before, or does not end. Later calls do nothing.
        """
        if not self._take_end():
            return
        value = self._cluster._command.value("fault heal", [self.id], _HEAL_SECONDS, "heal a fault")
        for error in value["remaining"] + value["errors"]:
            raise error_of(error, "heal a fault")
        healed = {entry["node"] for entry in value["healed"]}
        missing = [node for node in self.nodes if node not in healed]
        if missing:
            raise NodeError(Kind.INFRASTRUCTURE, missing[0], "heal a fault",
                            "%s had ended before it was healed; its time was over, or somebody "
                            "else ended it" % self.kind)

    def holds(self) -> bool:
        """Tells whether `heal` was not called yet."""
        return self._is_open

    def packets_dropped(self) -> int:
        """Returns how many packets its nodes have dropped, or how many requests a disk disturbed.

        NodeError INFRASTRUCTURE if no node has the fault any more.
        """
        value = self._cluster._command.value("fault list", [], 10.0, "look at a fault")
        rows = [row for row in value["faults"] if row["id"] == self.id]
        if not rows:
            raise NodeError(Kind.INFRASTRUCTURE, "", "look at a fault",
                            "no node has %s any more" % self.kind)
        return sum(row["packets"] for row in rows)

    def _end(self) -> None:
        self.heal()

    def __repr__(self) -> str:
        return "Fault(%s %s of %s)" % (self.kind, self.id[:8], ", ".join(self.nodes))


class NodeFaults:
    """The faults that concern nodes themselves. Given by Cluster.faults_on; asks nothing by itself.

    NodeError NOT_FOUND without such a process, directory or interface; DENIED where it would hit
    the agent; INVALID, CONFLICT, UNSUPPORTED and SYSTEM as in muster/node_faults.h. Several nodes
    have a fault together or not at all.
    """

    def __init__(self, cluster: "Cluster", nodes: str) -> None:
        self._cluster = cluster
        self._nodes = nodes

    def _fault(self, kind: str, options: Sequence[str], hold: float) -> Fault:
        return Fault(self._cluster, [kind, self._nodes, *options], hold)

    def pause(self, processes: ProcessChoice, hold: float = HOLD_SECONDS) -> Fault:
        """Stops every thread of the processes."""
        return self._fault("pause", processes.words, hold)

    def use_up_descriptors(self, processes: ProcessChoice, leave: int = 0,
                           hold: float = HOLD_SECONDS) -> Fault:
        """Lets each of the processes open `leave` more files and no more."""
        return self._fault("descriptors", [*processes.words, "--leave", str(leave)], hold)

    def kill(self, processes: ProcessChoice) -> List[KilledProcess]:
        """Kills the processes, and returns them when none lives. Nothing brings them back."""
        ended = self._cluster._command.value(
            "fault add", ["kill", self._nodes, *processes.words], _INJECT_SECONDS, "kill processes")
        for error in ended["errors"]:
            raise error_of(error, "kill processes")
        return [KilledProcess(each["node"], each["pid"], each["name"]) for each in ended["killed"]]

    def use_memory(self, bytes: int = 0, leave: int = 0, hold: float = HOLD_SECONDS) -> Fault:
        """Uses that much memory, or all that is available but `leave`."""
        return self._fault("memory", _sizes(bytes=bytes, leave=leave), hold)

    def use_cpu(self, threads: int = 1, hold: float = HOLD_SECONDS) -> Fault:
        """Keeps this many threads busy."""
        return self._fault("cpu", ["--threads", str(threads)], hold)

    def fill_disk(self, directory: str, leave: int = 0, even_ours: bool = False,
                  hold: float = HOLD_SECONDS) -> Fault:
        """Fills the disk of a directory, so that writes fail with ENOSPC."""
        options = ["--directory", directory, *_sizes(leave=leave)]
        return self._fault("full", options + ["--even-ours"] * even_ours, hold)

    def make_read_only(self, directory: str, hold: float = HOLD_SECONDS) -> Fault:
        """Makes what is below a directory read-only."""
        return self._fault("read-only", ["--directory", directory], hold)

    def disturb_disk(self, directory: str, delay: float = 0.0, bytes_per_second: int = 0,
                     fail_from: int = 0, fail_count: int = 0, fail_with: str = "io",
                     loses_unsynced: bool = False, hold: float = HOLD_SECONDS) -> Fault:
        """Makes the files below a directory slow, failing or forgetful.

        docs/reference/faults.md tells what the options do.
        """
        options = ["--directory", directory]
        options += ["--delay", time_word(delay)] if delay else []
        options += ["--bytes-per-second", str(bytes_per_second)] if bytes_per_second else []
        if fail_from:
            options += ["--fail-from", str(fail_from), "--fail-with", fail_with]
            options += ["--fail-count", str(fail_count)] if fail_count else []
        return self._fault("disk", options + ["--lose-unsynced"] * loses_unsynced, hold)

    def take_down(self, interface: str, hold: float = HOLD_SECONDS) -> Fault:
        """Takes an interface down by which no controller is connected."""
        return self._fault("down", ["--interface", interface], hold)

    def take_down_for(self, interface: str, time: float) -> None:
        """Takes an interface of one node down for a time, even the one by which we reach it.

        Returns when it is up again.
        """
        words = ["down", self._nodes, "--interface", interface, "--even-ours",
                 "--for", time_word(time)]
        ended = self._cluster._command.run("fault add", words, time + _INJECT_SECONDS)
        if ended.status != 0:
            raise failure_of(ended, "take an interface down")


def _sizes(**values: int) -> List[str]:
    options: List[str] = []
    for name, value in values.items():
        options += ["--" + name, str(value)] if value else []
    return options


def share_word(share: float) -> str:
    return "%.6g%%" % (share * 100)


def narrowing_words(port: Optional[int], protocol: str, loss: Optional[float]) -> List[Any]:
    """The options that narrow a cut, as FaultOptions of the C++ API."""
    words: List[Any] = ["--protocol", protocol] if protocol != "any" else []
    words += ["--port", str(port)] if port is not None else []
    words += ["--loss", share_word(loss)] if loss is not None else []
    return words
