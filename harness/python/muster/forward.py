"""A port or unix socket of a node, reached from here, or one of this machine, from the node.

    with muster.Forward.to_node(node, "127.0.0.1:8080") as console:
        socket.create_connection(("127.0.0.1", console.port))

A place is "PORT" of 127.0.0.1, "HOST:PORT" with a numeric address or localhost, "[IPV6]:PORT", or
the absolute path of a unix socket. It ends with its `with`, which cuts its connections.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Union

from ._owned import Held

if TYPE_CHECKING:
    from .node import Node

_BEGIN_SECONDS = 30.0


class Forward(Held):
    """Owns a listener and its connections. Make one by `to_node` and `from_node`."""

    def __init__(self, node: "Node", target: Union[int, str], listen: Union[int, str, None],
                 is_reverse: bool) -> None:
        word = str(target) if listen is None else "%s:%s" % (listen, target)
        options = ["--for", "24h"] + ["--reverse"] * is_reverse
        super().__init__(node._cluster, "forward", [*options, node.name, word], "forward",
                         _BEGIN_SECONDS)
        #: The whole place that is listened at, such as "127.0.0.1:41207".
        self.place: str = self._value["listen"]

    @classmethod
    def to_node(cls, node: "Node", target: Union[int, str],
                listen: Union[int, str, None] = None) -> "Forward":
        """Listens here, at a port or a socket, and connects to `target` as the node sees it.

        Without `listen` the kernel chooses the port. NodeError INVALID for what is no place,
        CONFLICT if `listen` is in use.
        """
        return cls(node, target, listen, is_reverse=False)

    @classmethod
    def from_node(cls, node: "Node", target: Union[int, str],
                  listen: Union[int, str, None] = None) -> "Forward":
        """Listens on the node, and connects to `target` as this machine sees it."""
        return cls(node, target, listen, is_reverse=True)

    @property
    def port(self) -> int:
        """The port that is listened at; 0 for a unix socket."""
        return 0 if self.place.startswith("/") else int(self.place.rsplit(":", 1)[1])

    def failure(self) -> str:
        """Returns what has gone wrong with connections so far; empty: all is well."""
        return self._child.errors().strip()

    def close(self) -> None:
        """Ends it, as the end of its `with` does. NodeError LOST if it had ended before."""
        if not self._take_end():
            return
        lost: Optional[Exception] = self._end_child()
        if lost is not None:
            raise lost

    def _end(self) -> None:
        self.close()
