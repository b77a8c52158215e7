"""Some nodes of a cluster, in its order, and calls that go to all of them at once.

    names = cluster.servers().run(["uname", "-n"]).checked()
    assert names["server1"].line() == "server1"
    cluster.servers().push("kvd.conf", "/etc/kvd.conf").checked()
    for server in cluster.servers():
        server.service("kvd").stop()

Calls on all nodes raise nothing for a node that did not answer: its part of the Answers has the
error, and `checked` raises it. The commands of one `run` can wait for each other by `nodeagent
barrier` and `nodeagent wait`.
"""
from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Optional, Sequence, Union

from . import _program
from .change import Change
from .change_options import ChangeSpec
from .condition import Condition
from .errors import Kind, NodeError
from .file import COPY_SECONDS, copy, local_word, transfer_of, write_words
from .node import _CHANGE_SECONDS, Argv, Bytes, Node, run_on, wait_on
from .result import Answers, Result, TransferResult

if TYPE_CHECKING:
    from .cluster import Cluster


class NodeSet(Sequence[Node]):
    """Is a value that borrows its nodes from the cluster, which makes sets."""

    def __init__(self, cluster: "Cluster", nodes: Sequence[Node]) -> None:
        self._cluster = cluster
        self._nodes = list(nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes)

    def __getitem__(self, place):
        """Returns a node by its place, from 0, or by its name (NodeError NOT_FOUND), or a set."""
        if isinstance(place, slice):
            return self._with(self._nodes[place])
        if isinstance(place, str):
            for node in self._nodes:
                if node.name == place:
                    return node
        elif -len(self._nodes) <= place < len(self._nodes):
            return self._nodes[place]
        else:
            # An iteration by places ends so.
            raise IndexError("node %d of %s" % (place, self.names()))
        raise NodeError(Kind.NOT_FOUND, "", "choose a node",
                        "there is no node %r; there are %s" % (place, self.names()))

    def __contains__(self, node: object) -> bool:
        name = node.name if isinstance(node, Node) else node
        return any(each.name == name for each in self._nodes)

    def __add__(self, other: "NodeSet") -> "NodeSet":
        """Returns the nodes of both, each once."""
        return self._with([*self._nodes, *(node for node in other if node not in self)])

    def names(self) -> List[str]:
        return [node.name for node in self._nodes]

    @property
    def first(self) -> Node:
        """The first node. NodeError NOT_FOUND if the set is empty."""
        return self.first_of(1)[0]

    @property
    def only(self) -> Node:
        """The node of a set of one. NodeError INVALID if there are more."""
        if len(self._nodes) > 1:
            raise NodeError(Kind.INVALID, "", "choose the only node", "there are %s" % self.names())
        return self.first

    def first_of(self, count: int) -> "NodeSet":
        """Returns the first `count` nodes. NodeError NOT_FOUND if the set has fewer."""
        if count > len(self._nodes):
            raise NodeError(Kind.NOT_FOUND, "", "choose %d nodes" % count,
                            "there are %d" % len(self._nodes))
        return self._with(self._nodes[:count])

    def without(self, node: Union[Node, str]) -> "NodeSet":
        """Returns the set without a node, which need not be in it."""
        name = node.name if isinstance(node, Node) else node
        return self._with([each for each in self._nodes if each.name != name])

    def run(self, argv: Argv, *, stdin: Optional[Bytes] = None, timeout: Optional[float] = None,
            env: Optional[Mapping[str, str]] = None, directory: str = "",
            user: str = "") -> Answers[Result]:
        """Runs `argv` on all nodes at once and waits for all, as Node.run does on one."""
        if not self._nodes:
            return Answers({})
        seconds = self._cluster.timeout if timeout is None else timeout
        return run_on(self._command, self._set, argv, stdin, seconds, env, directory, user)

    def shell(self, script: str, **options: Any) -> Answers[Result]:
        """Runs a script by `/bin/sh -c` on all nodes at once."""
        return self.run(["/bin/sh", "-c", script], **options)

    def wait_for(self, condition: Condition, within: float) -> Answers[str]:
        """Waits on all nodes at once, as Node.wait_for does on one."""
        if not self._nodes:
            return Answers({})
        return wait_on(self._command, self.names(), condition, within)

    def change(self, spec: ChangeSpec, timeout: float = _CHANGE_SECONDS) -> Change:
        """Makes a change on all nodes, or on none. It ends with its `with`."""
        return Change(self._cluster, self._set, spec, timeout)

    def push(self, local: Union[str, "os.PathLike[str]"], remote: str,
             timeout: float = COPY_SECONDS) -> Answers[TransferResult]:
        """Copies a file from here to all nodes at once."""
        words = ["--no-target-directory", local_word(local)]
        return self._copy(words, remote, timeout, "push %s" % remote)

    def push_tree(self, local: Union[str, "os.PathLike[str]"], remote: str,
                  timeout: float = COPY_SECONDS) -> Answers[TransferResult]:
        """Copies what is below a directory from here to all nodes at once."""
        words = ["--recursive", local_word(local) + "/."]
        return self._copy(words, remote, timeout, "push %s" % remote)

    def write_file(self, path: str, data: Bytes, mode: int = 0o644, parents: bool = False,
                   timeout: float = COPY_SECONDS) -> Answers[TransferResult]:
        """Replaces or makes a file on all nodes at once."""
        content = data.encode("utf-8") if isinstance(data, str) else data
        with tempfile.TemporaryDirectory(prefix="muster-") as directory:
            words = write_words(content, directory, mode, parents, False, False)
            return self._copy(words, path, timeout, "write %s" % path)

    @property
    def _command(self) -> _program.Command:
        return self._cluster._command

    @property
    def _set(self) -> str:
        return ",".join(self.names())

    def _with(self, nodes: Sequence[Node]) -> "NodeSet":
        return NodeSet(self._cluster, nodes)

    def _copy(self, words: List[Any], remote: str, timeout: float,
              operation: str) -> Answers[TransferResult]:
        if not self._nodes:
            return Answers({})
        if not remote.startswith("/"):
            raise NodeError(Kind.INVALID, "", operation, "a path on a node is to be absolute")
        entries = copy(self._command, [*words, "%s:%s" % (self._set, remote)], timeout, operation)
        answers: Dict[str, Union[TransferResult, NodeError]] = {}
        for entry in entries:
            name = entry["target"].split(":", 1)[0]
            try:
                answers[name] = transfer_of(entry, name, operation)
            except NodeError as error:
                answers[name] = error
        return Answers(answers)

    def __repr__(self) -> str:
        return "NodeSet(%s)" % self._set
