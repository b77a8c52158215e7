"""What lasts until its end is asked for: faults, changes, forwards, and commands that run."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Optional

from . import _program
from .errors import Kind, NodeError

if TYPE_CHECKING:
    from .cluster import Cluster


class Owned:
    """Is owned by its cluster from its beginning to its end. A context manager that ends it."""

    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster
        self._is_open = True
        cluster._own(self)

    def _end(self) -> None:
        """Ends it. Does nothing if that was done."""
        raise NotImplementedError

    def _take_end(self) -> bool:
        """Tells whether it is to be ended now, and that only once."""
        was_open, self._is_open = self._is_open, False
        self._cluster._disown(self)
        return was_open

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exception: object) -> None:
        self._end()


class Held(Owned):
    """Lasts as long as a `muster` that runs for it, whose first value says what was made."""

    def __init__(self, cluster: "Cluster", command: str, words: List[Any], operation: str,
                 seconds: float) -> None:
        self._operation = operation
        self._child = cluster._command.start(command, words)
        limit = seconds + cluster._command.connect_seconds + _program.MARGIN_SECONDS
        try:
            self._value = self._child.first_value(limit, operation)
        except BaseException:
            self._child.end()
            raise
        if self._value is None:
            failure = self._child.failure(operation)
            self._child.end()
            raise failure
        errors = self._value.get("errors")
        if errors:
            self._child.end()
            raise _program.error_of(errors[0], operation)
        super().__init__(cluster)

    def _end_child(self) -> Optional[NodeError]:
        """Ends it, and returns an error if it had ended before its time."""
        status = self._child.process.poll()
        if status is None:
            self._child.end()
            return None
        self._child.close()
        text = "it had ended before its time, with status %d; %s" % (status, self._child.errors())
        return NodeError(Kind.LOST, "", self._operation, text.strip())
