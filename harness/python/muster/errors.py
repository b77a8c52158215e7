"""The exception of every call that could not be answered. Its kind says what to do.

    try:
        node.read_file("/etc/kvd.conf")
    except muster.NodeError as error:
        if error.kind is not muster.Kind.NOT_FOUND:
            raise

A command that fails is not an error but a Result with an Outcome, unless its success was asked for
by Node.output or Result.checked.
"""
from __future__ import annotations

import enum


class Kind(enum.Enum):
    """Says what went wrong, as NodeError::Kind of the C++ API (muster/node_error.h) does."""

    #: There was no connection in time. Whether the call had an effect is unknown.
    UNREACHABLE = "unreachable"
    #: The agent does not let us in: certificate, protocol version, or another node.
    REFUSED = "refused"
    #: The request can never work. The text names what is wrong.
    INVALID = "invalid"
    #: Our identity may not make this call, or the permissions of the node refuse it.
    DENIED = "denied"
    #: There is no such path, service, process or node.
    NOT_FOUND = "not found"
    #: Something else is there.
    CONFLICT = "conflict"
    #: A limit is reached, which the text names. Try again later.
    OVERLOADED = "overloaded"
    #: This node, or this machine, cannot do it.
    UNSUPPORTED = "unsupported"
    #: A system call or a program failed, on the node or here.
    SYSTEM = "system call"
    #: Bytes did not arrive as they were sent.
    CORRUPT = "corrupt"
    #: The time that the call was allowed is over.
    TIMEOUT = "timeout"
    #: What the call was about is gone. Begin again.
    LOST = "lost"
    #: A command did not succeed that was asked for its success.
    COMMAND_FAILED = "command failed"
    #: This is a bug of Muster.
    INTERNAL = "internal error"
    #: The command `muster` was ended by a signal that this package did not send.
    CANCELLED = "cancelled"
    #: The cluster is not as it should be, so that the test could not be tried.
    INFRASTRUCTURE = "infrastructure"


def kind_of(word: str) -> Kind:
    """Returns the kind of the word that `muster --json` has for it."""
    try:
        return Kind(word)
    except ValueError:
        return Kind.INTERNAL


class NodeError(Exception):
    """There is no answer to give.

    `kind` says what to do, `node` is the name of the node (empty where the call concerned none),
    `operation` is what was attempted, and `text` is what came back.
    """

    def __init__(self, kind: Kind, node: str, operation: str, text: str) -> None:
        self.kind = kind
        self.node = node
        self.operation = operation
        self.text = text
        parts = ["node " + node] if node else []
        parts += [part for part in (operation, kind.value, text) if part]
        super().__init__(": ".join(parts))

    def __reduce__(self):
        return NodeError, (self.kind, self.node, self.operation, self.text)


class ClusterUnavailable(NodeError):
    """No cluster can be made on this machine; the text names what is missing.

    A test that cannot be tried for this reason is skipped by muster.testing.ClusterTestCase.
    """

    def __init__(self, operation: str, text: str) -> None:
        super().__init__(Kind.UNSUPPORTED, "", operation, text)

    def __reduce__(self):
        return ClusterUnavailable, (self.operation, self.text)
