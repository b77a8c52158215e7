"""Muster from Python: tests of distributed systems drive several machines.

    import muster

    with muster.Cluster("config/local.yaml") as cluster:
        server = cluster.node("server1")
        assert server.run(["echo", "hello"]).stdout == b"hello\\n"
        with cluster.partition(["server1"], ["server2", "server3"]):
            assert not server.run(["ping", "-c1", "-W1", "server2"]).succeeded

The calls are those of the C++ API in Python's spelling; times are in seconds, and bytes are bytes.
The package runs the command `muster`, and needs the standard library of Python 3.9 only.
docs/reference/python.md is the reference, and muster.testing has a TestCase for unittest.

A cluster and what is made of it belong to one thread at a time. However this process ends, what it
has begun ends too: commands, changes, forwards and nodes at once, faults when their time is over.
"""
from .change import Change
from .change_options import (
    Bridge, ChangeSpec, ExtraAddress, HostsEntry, LoopMount, NodeGroup, NodeMount, NodeUser,
    OpenPort, Packages, ServiceEnvironment, Sysctl, TmpfsMount, VethPair, Vlan,
)
from .cluster import Cluster
from .condition import Condition
from .errors import ClusterUnavailable, Kind, NodeError
from .fault import (
    Fault, KilledProcess, NodeFaults, ProcessChoice, process_with_pid, processes_named,
    processes_of_unit,
)
from .file import File
from .forward import Forward
from .log import Log, LogLine, LogMark, LogNote, LogSlice, LogSource
from .node import HttpResponse, Node
from .node_set import NodeSet
from .process import Process
from .result import Answers, Outcome, OutcomeKind, Result, TransferResult
from .service import Service, ServiceStatus

__all__ = [
    "Answers", "Bridge", "Change", "ChangeSpec", "Cluster", "ClusterUnavailable", "Condition",
    "ExtraAddress", "Fault", "File", "Forward", "HostsEntry", "HttpResponse", "KilledProcess",
    "Kind", "Log", "LogLine", "LogMark", "LogNote", "LogSlice", "LogSource", "LoopMount", "Node",
    "NodeError", "NodeFaults", "NodeGroup", "NodeMount", "NodeSet", "NodeUser", "OpenPort",
    "Outcome", "OutcomeKind", "Packages", "Process", "ProcessChoice", "Result", "Service",
    "ServiceEnvironment", "ServiceStatus", "Sysctl", "TmpfsMount", "TransferResult", "VethPair", "Vlan",
    "process_with_pid", "processes_named", "processes_of_unit",
]
