"""A command on a node that runs while the program goes on.

    with node.start(["kvd", "-f"]) as kvd:
        kvd.read_until(b"listening", timeout=10)
        ...
    # It has ended here, with all that it started.

Things to get right:
  * Hold it by `with`, or call `cancel`. What is forgotten ends with this program.
  * A Process keeps what the command writes, 64 MiB of each stream; one that writes more is ended
    with the outcome OUTPUT_LIMIT.
  * There is no call for signals but `cancel`: the node's own `kill` takes `Process.pid`.
"""
from __future__ import annotations

import json
import os
import select
import threading
import time
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple, Union

from . import _program
from .errors import Kind, NodeError
from .result import Outcome, OutcomeKind, Result, bytes_of, outcome_of

if TYPE_CHECKING:
    from .cluster import Cluster

Argv = Tuple[Union[str, bytes], ...]

_OUTPUT_BYTES_MAX = 64 << 20
_READ_BYTES = 1 << 16


class Process:
    """Stands for one command. Made by Node.start. Its methods belong to one thread at a time."""

    def __init__(self, cluster: "Cluster", node: str, argv: Argv, words: List[Any]) -> None:
        self._cluster = cluster
        self._node = node
        self._argv = argv
        self._operation = "start %r" % (list(argv),)
        self._changed = threading.Condition()
        # These are guarded by it.
        self._out = bytearray()
        self._err = bytearray()
        self._pid = 0
        self._last: Optional[Dict[str, Any]] = None
        self._failure: Optional[Exception] = None
        self._is_over = False
        self._is_limit = False
        self._is_cancelled = False

        self._line_start = 0
        self._child = cluster._command.start("exec", words, output="--events", stdin=True)
        assert self._child.process.stdin is not None
        self._input = self._child.process.stdin.fileno()
        os.set_blocking(self._input, False)
        self._is_input_open = True
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self._await_start()
        except BaseException:
            self._child.process.terminate()
            self._join()
            raise
        cluster._own(self)

    def _await_start(self) -> None:
        command = self._cluster._command
        seconds = command.connect_seconds + _program.MARGIN_SECONDS
        self._await(lambda: self._pid or self._last is not None or self._is_over, seconds)
        if self._pid or (self._last is not None and self._last.get("error") is None):
            return
        raise self._error()

    def _error(self) -> NodeError:
        if self._last is not None:
            return _program.error_of(self._last["error"], self._operation, self._node)
        return self._child.failure(self._operation, self._node)

    def _read(self) -> None:
        """Takes the lines of `muster exec --events`, until it ends."""
        try:
            for line in self._child.output:
                self._take(json.loads(line))
        except Exception as error:  # It is told by the calls that wait for it.
            self._failure = error
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _take(self, event: Dict[str, Any]) -> None:
        with self._changed:
            self._pid = event.get("pid", self._pid)
            self._out += bytes_of(event, "stdout")
            self._err += bytes_of(event, "stderr")
            if "error" in event:
                self._last = event
            is_limit = max(len(self._out), len(self._err)) > _OUTPUT_BYTES_MAX
            if is_limit and not self._is_limit:
                self._is_limit = True
                self._child.process.terminate()
            self._changed.notify_all()

    def _await(self, condition, timeout: float) -> None:
        """Waits until the condition holds. NodeError TIMEOUT if it does not in time."""
        with self._changed:
            if not self._changed.wait_for(condition, timeout):
                raise NodeError(Kind.TIMEOUT, self._node, self._operation,
                                "not within %g s; its last output is %r"
                                % (timeout, bytes(self._out[-200:])))

    @property
    def node(self) -> str:
        return self._node

    @property
    def argv(self) -> Argv:
        return self._argv

    @property
    def pid(self) -> int:
        """The number of the first process on the node. 0 means that it was not started."""
        return self._pid

    def running(self) -> bool:
        """Tells whether the command runs, as far as was heard of it."""
        with self._changed:
            return self._last is None and not self._is_over

    def output(self) -> bytes:
        """Returns what has come of standard output, from its beginning."""
        with self._changed:
            return bytes(self._out)

    def errors(self) -> bytes:
        """Returns what has come of standard error, from its beginning."""
        with self._changed:
            return bytes(self._err)

    def read_line(self, timeout: float) -> Optional[bytes]:
        """Returns the next line of standard output, without its newline.

        None: the output has ended. A last line without a newline counts when it has. NodeError
        TIMEOUT when the time is over.
        """
        self._await(lambda: self._out.find(b"\n", self._line_start) >= 0 or not self._is_writing(),
                    timeout)
        with self._changed:
            end = self._out.find(b"\n", self._line_start)
            if end >= 0:
                line = bytes(self._out[self._line_start:end])
                self._line_start = end + 1
                return line
            line = bytes(self._out[self._line_start:])
            self._line_start = len(self._out)
            return line or None

    def read_until(self, text: Union[bytes, str], timeout: float) -> bytes:
        """Reads lines until one contains `text`, and returns that.

        NodeError TIMEOUT, or NOT_FOUND if the output ends before.
        """
        wanted = text.encode("utf-8") if isinstance(text, str) else text
        until = time.monotonic() + timeout
        while True:
            line = self.read_line(max(0.0, until - time.monotonic()))
            if line is None:
                raise NodeError(Kind.NOT_FOUND, self._node, self._operation,
                                "its output has ended without %r" % wanted)
            if wanted in line:
                return line

    def write(self, data: bytes, timeout: float = 60.0) -> None:
        """Adds bytes to standard input. NodeError TIMEOUT if they are not read in time.

        Bytes that a command no longer reads are dropped. NodeError CONFLICT if the input is closed.
        """
        if not self._is_input_open:
            raise NodeError(Kind.CONFLICT, self._node, self._operation, "its input is closed")
        until = time.monotonic() + timeout
        rest = memoryview(data)
        while rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([], [self._input], [], left)[1]:
                raise NodeError(Kind.TIMEOUT, self._node, self._operation,
                                "%d bytes were not read within %g s" % (len(rest), timeout))
            try:
                rest = rest[os.write(self._input, rest[:_READ_BYTES]):]
            except BrokenPipeError:
                return
            except BlockingIOError:
                continue

    def close_input(self) -> None:
        """Gives the command the end of its input, behind all that was written."""
        if self._is_input_open:
            self._is_input_open = False
            self._child.close_input()

    def wait(self, timeout: float) -> Result:
        """Waits for the end and returns the result. The input is not closed by that.

        NodeError TIMEOUT when the time is over; the command goes on then.
        """
        self._await(lambda: self._is_over, timeout)
        self._join()
        return self._result()

    def cancel(self) -> Result:
        """Ends the command and every process of it: TERM, two seconds, KILL. Returns the result.

        The outcome is CANCELLED if the command had not ended before.
        """
        with self._changed:
            self._is_cancelled = self._is_cancelled or self._last is None
        self._child.process.terminate()
        self._join()
        return self._result()

    def _join(self) -> None:
        """Waits for the end of `muster`, which was told to end or has ended."""
        self.close_input()
        self._child.wait()
        self._reader.join()
        self._child.close()
        self._cluster._disown(self)

    def _result(self) -> Result:
        if self._failure is not None:
            raise NodeError(Kind.INTERNAL, self._node, self._operation, repr(self._failure))
        last = self._last
        outcome: Outcome
        if self._is_limit:
            outcome = Outcome(OutcomeKind.OUTPUT_LIMIT, "killed at its output limit")
        elif last is not None and last.get("error") is None and not self._was_ended_by_us(last):
            outcome = outcome_of(last["outcome"])
        elif self._is_cancelled:
            outcome = Outcome(OutcomeKind.CANCELLED, "cancelled")
        else:
            raise self._error()
        return Result(
            node=self._node, argv=self._argv, outcome=outcome,
            stdout=bytes(self._out), stderr=bytes(self._err),
            elapsed=(last or {}).get("elapsed_seconds", 0.0),
            left_running=(last or {}).get("left_running", 0),
            still_ending=(last or {}).get("still_ending", False),
        )

    def _was_ended_by_us(self, last: Dict[str, Any]) -> bool:
        return self._is_cancelled and outcome_of(last["outcome"]).kind in (
            OutcomeKind.SESSION_ENDED, OutcomeKind.LOST)

    def _is_writing(self) -> bool:
        return self._last is None and not self._is_over

    def _end(self) -> None:
        """Ends what is owned, for the cluster."""
        self.cancel()

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *exception: object) -> None:
        self.cancel()

    def __repr__(self) -> str:
        return "Process(%r on %s, pid %d)" % (list(self._argv), self._node, self._pid)
