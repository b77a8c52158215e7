"""Logs of nodes: what was written since a mark, and waits for a line.

    log = node.log("/var/log/kvd/*.log")
    mark = log.mark()
    node.service("kvd").restart()
    line = log.wait_for("listening on port [0-9]+", mark, within=10)
    assert log.since(mark).is_whole

A mark is a place and no time, so nothing is seen twice or missed, also where logs are rotated.
Patterns are those of RE2, found anywhere in a line. Take the mark before you do what is to be
logged.
"""
from __future__ import annotations

import dataclasses
import json
import os
import select
import tempfile
import time
from typing import TYPE_CHECKING, Any, Dict, List, Sequence, Tuple

from ._program import Child, MARGIN_SECONDS, error_of, failure_of
from .errors import Kind, NodeError
from .result import bytes_of

if TYPE_CHECKING:
    from .cluster import Cluster

_READ_SECONDS = 600.0
_SHOWN_LINES = 5


@dataclasses.dataclass(frozen=True)
class LogSource:
    """Names files, a unit, a container or the kernel's log. A text alone is a pattern of paths."""

    words: Tuple[str, ...]

    @classmethod
    def files(cls, pattern: str) -> "LogSource":
        """The files of an absolute path, whose parts may have *, ? and [...]."""
        return cls(("--file", pattern))

    @classmethod
    def unit(cls, name: str) -> "LogSource":
        """The journal's entries of a unit, such as "sshd.service"."""
        return cls(("--unit", name))

    @classmethod
    def container(cls, name: str) -> "LogSource":
        """The output of a container of podman or docker, as its log driver writes it."""
        return cls(("--container", name))

    @classmethod
    def kernel(cls) -> "LogSource":
        """The kernel's log, which local nodes often cannot read."""
        return cls(("--kernel",))


@dataclasses.dataclass(frozen=True)
class LogMark:
    """Says how much of a log had been written. It may be kept in a file."""

    text: str


@dataclasses.dataclass(frozen=True)
class LogLine:
    """One line, without its newline. `number` counts those of the file since the mark, from 1."""

    node: str
    file: str
    text: bytes
    number: int = 0
    is_cut: bool = False
    is_unfinished: bool = False


@dataclasses.dataclass(frozen=True)
class LogNote:
    """Says that a slice may lack lines, and why."""

    node: str
    file: str
    text: str


@dataclasses.dataclass(frozen=True)
class LogSlice:
    """What was written behind a mark. Look at `is_whole` where a line is not to be there."""

    lines: Tuple[LogLine, ...]
    notes: Tuple[LogNote, ...]

    @property
    def is_whole(self) -> bool:
        return not self.notes


class Log:
    """Stands for one source of one node, and asks nothing when it is made.

    NodeError INVALID for a wrong source, pattern or mark, UNSUPPORTED if the node has no journal or
    no readable kernel log.
    """

    def __init__(self, cluster: "Cluster", node: str, source: LogSource) -> None:
        self._cluster = cluster
        self.node = node
        self.source = source

    def mark(self) -> LogMark:
        """Marks the present end. Files that do not exist yet count from their beginning."""
        with tempfile.TemporaryDirectory(prefix="muster-") as directory:
            path = os.path.join(directory, "mark")
            words = [self.node, *self.source.words, "--mark", path]
            ended = self._cluster._command.run("logs", words, MARGIN_SECONDS)
            if ended.status != 0:
                raise self._failure(ended)
            with open(path, encoding="utf-8") as file:
                return LogMark(file.read())

    def since(self, mark: LogMark, patterns: Sequence[str] = ()) -> LogSlice:
        """Returns what was written behind the mark until now; an unfinished line counts.

        With patterns, only lines that match one of them.
        """
        with _MarkFile(mark) as path:
            words = [self.node, "--since-mark", path, *_grep_words(patterns)]
            ended = self._cluster._command.run("logs", words, _READ_SECONDS)
        entries = [json.loads(line) for line in ended.out.splitlines()]
        for entry in entries:
            if "detail" in entry:
                raise error_of(entry, "read a log", self.node)
        if ended.status != 0:
            raise failure_of(ended, "read a log", self.node)
        return LogSlice(
            tuple(_line_of(entry) for entry in entries if "text" in entry),
            tuple(LogNote(entry["node"], entry["file"], entry["note"])
                  for entry in entries if "note" in entry))

    def wait_for(self, pattern: str, mark: LogMark, within: float) -> LogLine:
        """Waits for a whole line behind the mark that matches, and returns the first.

        NodeError TIMEOUT with the last lines that came instead.
        """
        with _MarkFile(mark) as path:
            words = [self.node, "--since-mark", path, "--follow", *_grep_words([pattern])]
            child = self._cluster._command.start("logs", words)
            try:
                line = self._first_line(child, within)
            finally:
                child.end()
        if line is not None:
            return line
        last = self.since(mark).lines[-_SHOWN_LINES:]
        raise NodeError(Kind.TIMEOUT, self.node, "wait for a line",
                        "no line matches %r within %g s; the last lines are %r"
                        % (pattern, within, [each.text for each in last]))

    def _first_line(self, child: Child, within: float):
        until = time.monotonic() + within
        data = b""
        while True:
            *whole, data = data.split(b"\n")
            for each in whole:
                entry = json.loads(each)
                if "detail" in entry:
                    raise error_of(entry, "wait for a line", self.node)
                if "text" in entry and not entry.get("unfinished"):
                    return _line_of(entry)
            left = until - time.monotonic()
            if left <= 0 or not select.select([child.output], [], [], left)[0]:
                return None
            part = os.read(child.output.fileno(), 1 << 16)
            if not part:
                raise child.failure("wait for a line", self.node)
            data += part

    def _failure(self, ended) -> NodeError:
        for line in ended.out.splitlines():
            return error_of(json.loads(line), "mark a log", self.node)
        return failure_of(ended, "mark a log", self.node)


def _line_of(entry: Dict[str, Any]) -> LogLine:
    return LogLine(entry["node"], entry["file"], bytes_of(entry, "text"), entry.get("number", 0),
                   entry.get("cut", False), entry.get("unfinished", False))


def _grep_words(patterns: Sequence[str]) -> List[str]:
    return [word for pattern in patterns for word in ("--grep", pattern)]


class _MarkFile:
    """A mark as a file, which `muster logs` reads."""

    def __init__(self, mark: LogMark) -> None:
        self._file = tempfile.NamedTemporaryFile("w", prefix="muster-", encoding="utf-8")
        self._file.write(mark.text)
        self._file.flush()

    def __enter__(self) -> str:
        return self._file.name

    def __exit__(self, *exception: object) -> None:
        self._file.close()
