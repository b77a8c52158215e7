"""How the package runs the command `muster`.

Every child reads a pipe whose write end only this process holds ($MUSTER_LIFELINE), so that it
ends, and takes back what it has made, however this process ends. Children have a session of their
own: ^C of a terminal reaches this process alone, which ends them in its own order.
"""
from __future__ import annotations

import json
import os
import secrets
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO, Dict, List, NamedTuple, Optional, Sequence

from .errors import ClusterUnavailable, Kind, NodeError, kind_of

#: What a command may take beyond the time that its work is allowed.
MARGIN_SECONDS = 20.0
#: A command that is told to end takes back what it made within this time, or is killed.
END_SECONDS = 20.0
_TEXT_BYTES_MAX = 64 << 10

_USAGE, _DATA, _NO_INPUT, _UNAVAILABLE, _BUG = 64, 65, 66, 69, 70
_NO_PERMISSION = 77
_KINDS = {
    _USAGE: Kind.INVALID,
    _DATA: Kind.INVALID,
    _NO_INPUT: Kind.SYSTEM,
    _BUG: Kind.INTERNAL,
    _NO_PERMISSION: Kind.UNSUPPORTED,
}


def find_program() -> str:
    """Returns the path of `muster`: in $MUSTER_BIN_DIR, of this installation, or in PATH."""
    candidates: List[Path] = []
    if os.environ.get("MUSTER_BIN_DIR"):
        candidates.append(Path(os.environ["MUSTER_BIN_DIR"]) / "muster")
    # PREFIX/share/muster/python/muster/_program.py
    candidates.append(Path(__file__).resolve().parents[4] / "bin" / "muster")
    for candidate in candidates:
        if os.access(candidate, os.X_OK):
            return str(candidate)
    found = shutil.which("muster")
    if found is None:
        raise ClusterUnavailable(
            "find the program muster", "it is neither in $MUSTER_BIN_DIR nor in PATH")
    return found


def time_word(seconds: float) -> str:
    """Returns a time as `muster` reads it. NodeError INVALID unless it is positive."""
    if not 0 < seconds < 1e9:
        raise NodeError(Kind.INVALID, "", "", "a time of %r s is to be positive and finite" % (seconds,))
    milliseconds = round(seconds * 1000)
    if milliseconds < 1:
        raise NodeError(Kind.INVALID, "", "", "a time of %r s is to be positive" % (seconds,))
    return "%dms" % milliseconds


class _Lifeline:
    """The pipe by whose end the children of this process end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: Optional[tuple] = None
        os.register_at_fork(after_in_child=self._forget)

    def read_end(self) -> int:
        with self._lock:
            if self._ends is None:
                self._ends = os.pipe()
            return self._ends[0]

    def _forget(self) -> None:
        # A copy of this process is not the one whose children they are.
        self._lock = threading.Lock()
        if self._ends is not None:
            os.close(self._ends[0])
            os.close(self._ends[1])
            self._ends = None


_lifeline = _Lifeline()


def _new_run_id() -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + "-" + secrets.token_hex(3)


#: The run to which all belongs that this process starts on nodes: see `muster ps --run-id`.
RUN_ID = os.environ.get("MUSTER_RUN_ID") or _new_run_id()


class Ended(NamedTuple):
    """How `muster` ended: the exit status, or minus the number of a signal."""

    status: int
    out: bytes
    err: str


class Child:
    """A `muster` that runs until its work is over, or until it is told to end."""

    def __init__(self, program: str, words: Sequence[Any], stdin: bool = False) -> None:
        environment = dict(os.environ)
        environment.pop("MUSTER_CLUSTER", None)
        read_end = _lifeline.read_end()
        environment["MUSTER_LIFELINE"] = str(read_end)
        environment["MUSTER_RUN_ID"] = RUN_ID
        self._errors = tempfile.TemporaryFile()
        self._error_text: Optional[str] = None
        try:
            self.process = subprocess.Popen(
                [program, *words],
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=environment,
                pass_fds=(read_end,),
                start_new_session=True,
            )
        except OSError as error:
            self._errors.close()
            if isinstance(error, FileNotFoundError):
                raise ClusterUnavailable("start " + program, str(error)) from error
            raise NodeError(Kind.SYSTEM, "", "start " + program, str(error)) from error
        except ValueError as error:
            self._errors.close()
            raise NodeError(Kind.INVALID, "", "start " + program, str(error)) from error

    @property
    def output(self) -> BinaryIO:
        assert self.process.stdout is not None
        return self.process.stdout

    def errors(self) -> str:
        """Returns the end of what it has said on standard error."""
        if self._error_text is not None:
            return self._error_text
        size = os.fstat(self._errors.fileno()).st_size
        start = max(0, size - _TEXT_BYTES_MAX)
        data = os.pread(self._errors.fileno(), _TEXT_BYTES_MAX, start)
        return data.decode("utf-8", "replace")

    def finish(self, stdin: Optional[bytes], seconds: float, operation: str) -> Ended:
        """Waits for its end and returns all that it has said. It is ended when the time is over."""
        try:
            out, _ = self.process.communicate(stdin, seconds)
        except subprocess.TimeoutExpired:
            self.end()
            raise NodeError(
                Kind.TIMEOUT, "", operation,
                "muster did not end within %g s; %s" % (seconds, self.errors().strip()),
            ) from None
        except BaseException:
            self.end()
            raise
        ended = Ended(self.process.returncode, out, self.errors())
        self.close()
        return ended

    def first_value(self, seconds: float, operation: str) -> Optional[Any]:
        """Returns the first JSON value that it prints. None: it ended without one."""
        until = time.monotonic() + seconds
        data = b""
        descriptor = self.output.fileno()
        while True:
            left = until - time.monotonic()
            ready = left > 0 and bool(select.select([descriptor], [], [], left)[0])
            if not ready:
                raise NodeError(
                    Kind.TIMEOUT, "", operation, "no answer within %g s" % seconds)
            part = os.read(descriptor, 1 << 16)
            if not part:
                return None
            data += part
            # The value stands alone, and ends with a line.
            if data.endswith(b"}\n") or data.endswith(b"]\n"):
                try:
                    return json.loads(data)
                except ValueError:
                    continue

    def end(self) -> int:
        """Tells it to end, waits for that, and returns its status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.wait()
        self.close()
        return status

    def wait(self) -> int:
        """Waits for the end of one that has been told to end, and returns its status."""
        try:
            return self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def close_input(self) -> None:
        if self.process.stdin is not None:
            try:
                self.process.stdin.close()
            except OSError:
                pass  # What was not written is not read by anybody.

    def close(self) -> None:
        """Closes its streams. What it said on standard error stays."""
        self.close_input()
        self.output.close()
        if self._error_text is None:
            self._error_text = self.errors()
            self._errors.close()

    def failure(self, operation: str, node: str = "") -> NodeError:
        """Returns the error of a child that has ended without a result."""
        return failure_of(Ended(self.wait(), b"", self.errors()), operation, node)


def failure_of(ended: Ended, operation: str, node: str = "") -> NodeError:
    """Returns the error that an end without a result stands for."""
    try:
        value = json.loads(ended.out) if ended.out else None
    except ValueError:
        value = None
    if isinstance(value, dict) and value.get("errors"):
        return error_of(value["errors"][0], operation)
    lines = [line for line in ended.err.strip().splitlines() if line]
    text = "\n".join(lines) or "it said nothing"
    if ended.status < 0:
        return NodeError(Kind.CANCELLED, node, operation, "muster was ended by signal %d; %s"
                         % (-ended.status, text))
    if ended.status == _NO_PERMISSION:
        return ClusterUnavailable(operation, text)
    return NodeError(_KINDS.get(ended.status, Kind.INFRASTRUCTURE), node, operation, text)


def error_of(entry: Dict[str, Any], operation: str, node: str = "") -> NodeError:
    """Returns the error of an entry of `errors`."""
    return NodeError(
        kind_of(entry.get("kind", "")), entry.get("node", node), operation, entry.get("detail", ""))


class Command:
    """`muster` with the cluster that all calls are about."""

    def __init__(self, program: Optional[str]) -> None:
        self.program = program or find_program()
        #: The value of --cluster; empty before the cluster is known.
        self.cluster = ""
        #: How long a call waits for a connection to a node.
        self.connect_seconds = 10.0

    def words(self, command: str, words: Sequence[Any], output: str = "--json") -> List[Any]:
        options = ["--connect-timeout", time_word(self.connect_seconds), output]
        if self.cluster:
            options += ["--cluster", self.cluster]
        return [*command.split(), *options, *words]

    def run(self, command: str, words: Sequence[Any], seconds: float,
            stdin: Optional[bytes] = None) -> Ended:
        """Runs it to its end, at most as long as its work and the connection may take."""
        operation = "muster " + command
        child = Child(self.program, self.words(command, words), stdin is not None)
        return child.finish(stdin, seconds + self.connect_seconds + MARGIN_SECONDS, operation)

    def value(self, command: str, words: Sequence[Any], seconds: float, operation: str,
              stdin: Optional[bytes] = None) -> Any:
        """Returns the JSON value of a call, whatever the exit status. NodeError without one."""
        ended = self.run(command, words, seconds, stdin)
        try:
            value = json.loads(ended.out)
        except ValueError:
            raise failure_of(ended, operation) from None
        # A command that could not begin has nothing but errors.
        if isinstance(value, dict) and list(value) == ["errors"]:
            raise failure_of(ended, operation)
        return value

    def start(self, command: str, words: Sequence[Any], output: str = "--json",
              stdin: bool = False) -> Child:
        """Starts it, to be ended by the caller."""
        return Child(self.program, self.words(command, words, output), stdin)
