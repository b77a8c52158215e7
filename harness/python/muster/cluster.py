"""The cluster that a test runs on: its nodes by role and name, and the network between them.

    with muster.Cluster("config/local.yaml") as cluster:
        victim = cluster.node("server1")
        with cluster.partition(["server1"], ["server2", "server3"]):
            ...

A cluster of a file is made if it is not up, and removed at the end of the `with`; one that is up is
taken as it is, and stays. The nodes of this machine that were made here end with this process,
however that ends.
"""
from __future__ import annotations

import json
import os
from typing import Any, Iterable, List, Mapping, Optional, Sequence, Union

from . import _program
from ._program import Child, failure_of, time_word
from .errors import Kind, NodeError
from .fault import HOLD_SECONDS, Fault, NodeFaults, narrowing_words, share_word
from .node import Node
from .node_set import NodeSet

#: What a call takes for nodes: a name, an expression such as "@server", a node, or several.
Nodes = Union[str, Node, Iterable[Union[str, Node]]]

_UP_SECONDS = 300.0


class Cluster:
    """A cluster by its file or its name. Its calls belong to one thread at a time.

    `which` is a cluster file, or the name of a cluster that is up. Without it, $MUSTER_CLUSTER
    names the cluster in the same way, or it is the only one that is up. `name` is for a cluster
    that is to be made: its name in place of the file's. `timeout` in seconds is what a command is
    allowed unless its call says otherwise, and `connect_timeout` how long calls wait for a
    connection to a node. `program` is the path of `muster`, which is otherwise looked for in $MUSTER_BIN_DIR, in
    this installation, and in PATH.

    Nothing is asked before `start`, or the `with`.
    """

    def __init__(self, which: Union[str, "os.PathLike[str]", None] = None, *,
                 name: Optional[str] = None, timeout: float = 60.0, connect_timeout: float = 10.0,
                 program: Optional[str] = None) -> None:
        self._which = os.fspath(which) if which else os.environ.get("MUSTER_CLUSTER", "")
        self._wanted_name = name
        self.timeout = timeout
        self._connect_timeout = connect_timeout
        self._program = program
        self._maker: Optional[Child] = None
        self._owned: List[Any] = []
        self._open_command: Optional[_program.Command] = None
        self._known: List[Node] = []
        self.name = ""

    @property
    def _command(self) -> _program.Command:
        if self._open_command is None:
            raise NodeError(Kind.INVALID, "", "use the cluster",
                            "it is not started, or was closed; use it in a `with`, or call start()")
        return self._open_command

    @property
    def _all(self) -> List[Node]:
        _ = self._command
        return self._known

    def start(self) -> "Cluster":
        """Takes the cluster if it is up, and makes it otherwise.

        ClusterUnavailable if this machine cannot make nodes; NodeError INVALID for a wrong file,
        and INFRASTRUCTURE if there is no such cluster or it could not be made.
        """
        self._open_command = _program.Command(self._program)
        self._command.connect_seconds = self._connect_timeout
        is_file = "/" in self._which or self._which.endswith((".yaml", ".yml"))
        file = os.path.abspath(self._which) if is_file else ""
        self._command.cluster = self._wanted_name or file or self._which
        try:
            rows = self._made_rows(file)
        except BaseException:
            self._open_command = None
            raise
        self.name = rows[0]["cluster"]
        if not self._command.cluster:
            self._command.cluster = self.name
        self._known = [Node(self, row) for row in rows]
        return self

    def _made_rows(self, file: str) -> List[Mapping[str, Any]]:
        """Returns the nodes, which are made if there is a file and they are not up."""
        try:
            return self._rows()
        except NodeError as error:
            if not file or error.kind is not Kind.INFRASTRUCTURE:
                raise
        self._make(file)
        return self._rows()

    def _rows(self) -> List[Mapping[str, Any]]:
        return self._described("", "find the cluster %s" % (self._which or "that is up"))

    def _described(self, expression: str, operation: str) -> List[Mapping[str, Any]]:
        """Returns what is known of nodes without them: one that does not answer delays nothing."""
        options = ["--connect-timeout", "1ms"]
        ended = self._command.run("nodes", options + ["--", expression] * bool(expression), 10.0)
        try:
            return json.loads(ended.out)
        except ValueError:
            raise failure_of(ended, operation) from None

    def _make(self, file: str) -> None:
        name = ["--name", self._wanted_name] if self._wanted_name else []
        child = Child(self._command.program, ["up", file, "--hold", "--json", *name])
        operation = "make the cluster of %s" % file
        try:
            if child.first_value(_UP_SECONDS, operation) is None:
                raise child.failure(operation)
        except BaseException:
            child.end()
            raise
        self._maker = child

    def close(self) -> None:
        """Ends all that was begun and still holds, and removes the cluster if it was made here.

        Raises the first error of that, when all is done.
        """
        try:
            self.end_owned()
        finally:
            self._open_command = None
            maker, self._maker = self._maker, None
            if maker is not None:
                maker.end()

    def end_owned(self, but_first: int = 0) -> None:
        """Ends faults, changes, forwards and commands that still hold, the newest first.

        The first `but_first` of them stay. Raises the first error when all were tried.
        """
        first: Optional[BaseException] = None
        while len(self._owned) > but_first:
            owned = self._owned.pop()
            try:
                owned._end()
            except NodeError as error:
                first = first or error
        if first is not None:
            raise first

    def owned_count(self) -> int:
        """Returns how many faults, changes, forwards and commands hold."""
        return len(self._owned)

    def _own(self, owned: Any) -> None:
        self._owned.append(owned)

    def _disown(self, owned: Any) -> None:
        if owned in self._owned:
            self._owned.remove(owned)

    @property
    def nodes(self) -> NodeSet:
        """All nodes, in the order of the cluster file."""
        return NodeSet(self, self._all)

    def node(self, name: str) -> Node:
        """Returns the node of that name. NodeError NOT_FOUND, naming those that there are."""
        return self.nodes[name]

    def servers(self) -> NodeSet:
        """Returns the nodes of role "server"."""
        return self._chosen(lambda node: node.role == "server")

    def clients(self) -> NodeSet:
        """Returns the nodes of role "client"."""
        return self._chosen(lambda node: node.role == "client")

    def with_role(self, role: str) -> NodeSet:
        """Returns the nodes of a role. NodeError NOT_FOUND if there is none."""
        chosen = self._chosen(lambda node: node.role == role)
        if not chosen:
            roles = sorted({node.role for node in self._all})
            raise NodeError(Kind.NOT_FOUND, "", "choose nodes",
                            "no node has the role %r; there are %s" % (role, roles))
        return chosen

    def with_label(self, label: str, value: Optional[str] = None) -> NodeSet:
        """Returns the nodes with a label, of any value or of this one."""
        return self._chosen(lambda node: label in node.labels
                            and (value is None or node.labels[label] == value))

    def other_than(self, nodes: Nodes) -> NodeSet:
        """Returns the nodes but these."""
        not_wanted = self._resolved(nodes)
        return self._chosen(lambda node: node not in not_wanted)

    def select(self, expression: str) -> NodeSet:
        """Returns the nodes of an expression, such as "server[1-3],client1" or "@server".

        NodeError INVALID for a mistake in it, and for names that the cluster does not have.
        """
        names = [row["name"] for row in self._described(expression, "choose %r" % expression)]
        return self._chosen(lambda node: node.name in names)

    def _chosen(self, condition) -> NodeSet:
        return NodeSet(self, [node for node in self._all if condition(node)])

    def _resolved(self, nodes: Nodes) -> NodeSet:
        """Returns the nodes that a call means."""
        if isinstance(nodes, str):
            return self.select(nodes)
        each = [nodes] if isinstance(nodes, Node) else list(nodes)
        return NodeSet(self, [one if isinstance(one, Node) else self.node(one) for one in each])

    def partition(self, *groups: Nodes, port: Optional[int] = None, protocol: str = "any",
                  loss: Optional[float] = None, hold: float = HOLD_SECONDS) -> Fault:
        """Cuts the network between groups of nodes, until the Fault is healed.

        `port` and `protocol` ("tcp", "udp") narrow the cut, and `loss` from 0.01 to 1 is the share
        of the packets that are lost. `hold` is how long the nodes hold it, from 1 s to 24 h.
        NodeError INVALID, before anything is touched, for overlapping and empty groups and options
        out of range; UNSUPPORTED naming what a node lacks; INFRASTRUCTURE if the cut is not
        witnessed.
        """
        words = ["partition"]
        for place, group in enumerate(groups):
            words += ["/"] * (place > 0) + [_set_word(group)]
        return Fault(self, words + narrowing_words(port, protocol, loss), hold)

    def isolate(self, node: Nodes, *, port: Optional[int] = None, protocol: str = "any",
                loss: Optional[float] = None, hold: float = HOLD_SECONDS) -> Fault:
        """Cuts the network between a node and all others."""
        words = ["isolate", _set_word(node), *narrowing_words(port, protocol, loss)]
        return Fault(self, words, hold)

    def cut_one_way(self, source: Nodes, target: Nodes, *, port: Optional[int] = None,
                    protocol: str = "any", loss: Optional[float] = None,
                    hold: float = HOLD_SECONDS) -> Fault:
        """Loses packets of `source` to `target`, and none of the other way."""
        words = ["one-way", _set_word(source), _set_word(target)]
        return Fault(self, words + narrowing_words(port, protocol, loss), hold)

    def bridge(self, left: Nodes, middle: Nodes, right: Nodes, *, port: Optional[int] = None,
               protocol: str = "any", loss: Optional[float] = None,
               hold: float = HOLD_SECONDS) -> Fault:
        """Lets `left` and `right` reach `middle`, and not each other."""
        words = ["bridge", _set_word(left), "/", _set_word(middle), "/", _set_word(right)]
        return Fault(self, words + narrowing_words(port, protocol, loss), hold)

    def majority_ring(self, nodes: Nodes, *, port: Optional[int] = None, protocol: str = "any",
                      loss: Optional[float] = None, hold: float = HOLD_SECONDS) -> Fault:
        """Lets each of four nodes or more reach a majority, and no two the same one."""
        ring = [nodes] if isinstance(nodes, (str, Node)) else list(nodes)
        words = ["ring", *(_set_word(node) for node in ring)]
        return Fault(self, words + narrowing_words(port, protocol, loss), hold)

    def degrade(self, node: Nodes, *, bits_per_second: int = 0, delay: float = 0.0,
                jitter: float = 0.0, duplicate: float = 0.0, reorder: float = 0.0,
                corrupt: float = 0.0, hold: float = HOLD_SECONDS) -> Fault:
        """Makes all that the node sends slow or unreliable, to us too.

        `delay` and `jitter` are in seconds, the other three are shares of the packets.
        """
        words = ["degrade", _set_word(node)]
        words += ["--rate", "%dbit" % bits_per_second] if bits_per_second else []
        words += ["--delay", time_word(delay)] if delay else []
        words += ["--jitter", time_word(jitter)] if jitter else []
        for name, share in (("duplicate", duplicate), ("reorder", reorder), ("corrupt", corrupt)):
            words += ["--" + name, share_word(share)] if share else []
        return Fault(self, words, hold)

    def faults_on(self, nodes: Nodes) -> NodeFaults:
        """Gives the faults that concern nodes themselves. Asks nothing."""
        return NodeFaults(self, _set_word(nodes))

    def reboot(self, nodes: Nodes, within: float = 300.0) -> List[str]:
        """Cuts the power of all these nodes, powers them on, and waits until they are back.

        Returns their new boot ids, in order. NodeError INFRASTRUCTURE for a node that is not back
        in time, and where the nodes cannot be rebooted.
        """
        options = ["--within", time_word(within)]
        value = self._command.value("reboot", [*options, _set_word(nodes)], within + 30.0, "reboot")
        for error in value["errors"]:
            raise _program.error_of(error, "reboot")
        return [entry["boot_id"] for entry in value["nodes"]]

    def __enter__(self) -> "Cluster":
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return "Cluster(%s: %s)" % (self.name or self._which, ", ".join(self.nodes.names()))


def _set_word(nodes: Nodes) -> str:
    """Returns the expression of the nodes that a call means."""
    if isinstance(nodes, str):
        return nodes
    if isinstance(nodes, Node):
        return nodes.name
    each: Sequence[Union[str, Node]] = list(nodes)
    return ",".join(one if isinstance(one, str) else one.name for one in each)
