"""Changes of what a node is, such as a kernel parameter, which end with their `with`.

    with node.change(muster.HostsEntry("10.9.0.5", ["kvd"])):
        ...

change_options has all kinds. What was there before comes back however this program ends: the nodes
take a change back with the session of the `muster` that holds it.
"""
from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Dict, List

from ._owned import Held
from .change_options import ChangeSpec
from .errors import Kind, NodeError

if TYPE_CHECKING:
    from .cluster import Cluster

# The longest that a change lasts; it ends with its holder.
_HOLD = "24h"
_UNDO_SECONDS = 30.0


class Change(Held):
    """A change on one node or on several, on all of them or on none. Made by Node.change.

    NodeError of these kinds: INVALID for names, addresses and sizes that can never be; NOT_FOUND
    without the parameter, interface, directory or group; CONFLICT if what should be added is there;
    DENIED, UNSUPPORTED and SYSTEM where the node refuses, lacks a program, or its tool failed.
    """

    def __init__(self, cluster: "Cluster", nodes: str, spec: ChangeSpec, timeout: float) -> None:
        words = [nodes, *spec.words()]
        options = ["--for", _HOLD, "--time-limit", "%dms" % round(timeout * 1000)]
        super().__init__(cluster, "change hold", [*options, *words], "change", timeout)
        self._entries: List[Dict[str, Any]] = self._value["changes"]
        self._nodes = nodes
        #: What it does, such as "sets net.ipv4.ip_forward to 1".
        self.text: str = self._entries[0]["effect"]
        #: What became known when it was made, of the first node: of a Sysctl the value `before`.
        self.details: Dict[str, str] = self._entries[0]["details"]
        #: The names under which `muster change list` shows it, by those of the nodes.
        self.ids: Dict[str, str] = {entry["node"]: entry["id"] for entry in self._entries}

    def undo(self) -> None:
        """Takes the change back, and returns when the nodes have done so. Later calls do nothing.

        NodeError SYSTEM with the reason of a node that could not, and LOST if the change had ended
        before.
        """
        if not self._take_end():
            return
        lost = self._end_child()
        until = time.monotonic() + _UNDO_SECONDS
        while True:
            rows = self._rows()
            for row in rows:
                if row["state"] == "failed":
                    raise NodeError(Kind.SYSTEM, row["node"], "take a change back",
                                    "%s: %s" % (row["effect"], row["reason"]))
            if not rows:
                break
            if time.monotonic() > until:
                raise NodeError(Kind.TIMEOUT, rows[0]["node"], "take a change back",
                                "%s is still %s" % (rows[0]["effect"], rows[0]["state"]))
        if lost is not None:
            raise lost

    def _rows(self) -> List[Dict[str, Any]]:
        value = self._cluster._command.value("change list", [self._nodes], 10.0, "look at a change")
        return [row for row in value["changes"] if row["id"] in self.ids.values()]

    def _end(self) -> None:
        self.undo()

    def __repr__(self) -> str:
        return "Change(%s: %s)" % (self._nodes, self.text)
