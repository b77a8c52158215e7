"""What a command on a node did: how it ended, and what it wrote.

    result = node.run(["kvd", "--check"], timeout=10)
    assert result.succeeded, result.describe()
    version = node.run(["kvd", "--version"]).checked().line()

Results are plain values. A command that fails is a result and no error.
"""
from __future__ import annotations

import base64
import dataclasses
import enum
import re
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple, TypeVar, Union

from .errors import Kind, NodeError

_SHOWN_LINES = 20


class OutcomeKind(enum.Enum):
    """Says how a command ended, as Outcome::Kind of the C++ API (muster/outcome.h) does."""

    #: It ended by itself, with Outcome.exit_status.
    EXITED = "exited"
    #: A signal ended it, Outcome.signal, that Muster did not send.
    SIGNALLED = "signalled"
    #: No process of it ever ran: Outcome.text says why.
    NOT_STARTED = "not started"
    #: The node killed it when its time was over.
    DEADLINE = "deadline"
    #: It was killed because its Process was cancelled.
    CANCELLED = "cancelled"
    #: It was killed because it wrote more than a result holds.
    OUTPUT_LIMIT = "output limit"
    #: It was killed because the session ended.
    SESSION_ENDED = "session ended"
    #: Its end cannot be known. It ran at most once.
    LOST = "lost"


# The beginnings of what `muster` says, in the words of toString(Outcome).
_OUTCOMES = (
    (r"exited with status (\d+)", OutcomeKind.EXITED),
    (r"killed by signal (\d+)", OutcomeKind.SIGNALLED),
    (r"not started", OutcomeKind.NOT_STARTED),
    (r"killed at its deadline", OutcomeKind.DEADLINE),
    (r"cancelled", OutcomeKind.CANCELLED),
    (r"killed at its output limit", OutcomeKind.OUTPUT_LIMIT),
    (r"killed with its session", OutcomeKind.SESSION_ENDED),
    (r"lost", OutcomeKind.LOST),
)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a command ended.

    `exit_status` is -1 unless it exited, and `signal` 0 unless one ended it.
    """

    kind: OutcomeKind
    text: str = ""
    exit_status: int = -1
    signal: int = 0

    @property
    def succeeded(self) -> bool:
        return self.kind is OutcomeKind.EXITED and self.exit_status == 0

    def __str__(self) -> str:
        return self.text


def outcome_of(text: str) -> Outcome:
    """Returns the outcome of the words that `muster` has for it."""
    for pattern, kind in _OUTCOMES:
        match = re.match(pattern, text)
        if match is None:
            continue
        if kind is OutcomeKind.EXITED:
            return Outcome(kind, text, exit_status=int(match.group(1)))
        if kind is OutcomeKind.SIGNALLED:
            return Outcome(kind, text, signal=int(match.group(1)))
        return Outcome(kind, text)
    raise NodeError(Kind.INTERNAL, "", "read an outcome", "nobody knows %r" % text)


def bytes_of(entry: Mapping[str, Any], name: str) -> bytes:
    """Returns the bytes of a member, which stand beside it where they are not UTF-8."""
    exact = entry.get(name + "_base64")
    if exact is not None:
        return base64.b64decode(exact)
    return (entry.get(name) or "").encode("utf-8")


@dataclasses.dataclass(frozen=True)
class Result:
    """The end of a command with all that it wrote.

    `elapsed` is in seconds, from its start to its end by the clock of the node. `left_running`
    counts processes that it left, which ended with it. `still_ending` says that the node killed it
    at its deadline and waits for its end.
    """

    node: str
    argv: Tuple[Union[str, bytes], ...]
    outcome: Outcome
    stdout: bytes = b""
    stderr: bytes = b""
    elapsed: float = 0.0
    left_running: int = 0
    still_ending: bool = False

    @property
    def succeeded(self) -> bool:
        """Tells whether the command exited with status 0."""
        return self.outcome.succeeded

    @property
    def exit_status(self) -> int:
        """Is 0 to 255 if the command exited, and -1 otherwise."""
        return self.outcome.exit_status

    def checked(self) -> "Result":
        """Returns this result if the command succeeded; NodeError COMMAND_FAILED otherwise."""
        if self.succeeded:
            return self
        raise NodeError(Kind.COMMAND_FAILED, self.node, "run %r" % (list(self.argv),),
                        self.describe())

    def line(self) -> str:
        """Returns standard output without newlines at its end, as `$(…)` of a shell does.

        NodeError NOT_FOUND if there is no output and the command did not succeed.
        """
        if not self.stdout and not self.succeeded:
            raise NodeError(Kind.NOT_FOUND, self.node, "read a line", self.describe())
        return self.stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    def lines(self) -> List[str]:
        """Returns standard output, one item a line, without the newlines."""
        text = self.stdout.decode("utf-8", "surrogateescape")
        return text[:-1].split("\n") if text.endswith("\n") else text.split("\n") if text else []

    def describe(self) -> str:
        """Returns how it ended, and the last lines of both streams."""
        parts = [str(self.outcome)]
        for name, data in (("standard output", self.stdout), ("standard error", self.stderr)):
            lines = data.decode("utf-8", "backslashreplace").splitlines()[-_SHOWN_LINES:]
            parts += ["%s: %s" % (name, line) for line in lines]
        return "\n".join(parts)


def result_of(entry: Mapping[str, Any], argv: Tuple[Union[str, bytes], ...]) -> Result:
    """Returns the result of an entry of `muster exec --json`, which has no error."""
    return Result(
        node=entry["node"],
        argv=argv,
        outcome=outcome_of(entry["outcome"]),
        stdout=bytes_of(entry, "stdout"),
        stderr=bytes_of(entry, "stderr"),
        elapsed=entry["elapsed_seconds"],
        left_running=entry["left_running"],
        still_ending=entry["still_ending"],
    )


T = TypeVar("T")


class Answers(Mapping[str, T]):
    """What nodes answered, by their names and in their order.

        results = cluster.servers().run(["uname", "-n"])
        assert results["server1"].line() == "server1"
        results.checked()

    Nothing is thrown for a node that did not answer before it is asked for: its NodeError stands in
    its place. `checked` throws the first, so that a test which ignores answers ignores failures.
    """

    def __init__(self, values: Dict[str, Union[T, NodeError]],
                 check: Optional[Callable[[T], Any]] = None) -> None:
        self._values = values
        self._check = check

    def __getitem__(self, node: str) -> T:
        value = self._values[node]
        if isinstance(value, NodeError):
            raise value
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return "Answers(%r)" % (self._values,)

    @property
    def errors(self) -> Dict[str, NodeError]:
        """The errors of the nodes that did not answer."""
        return {name: value for name, value in self._values.items()
                if isinstance(value, NodeError)}

    def checked(self) -> "Answers[T]":
        """Returns these answers if every node has one, and every command of them succeeded."""
        for name in self._values:
            value = self[name]
            if self._check is not None:
                self._check(value)
        return self


@dataclasses.dataclass(frozen=True)
class TransferResult:
    """What a copy did. `digest` is the SHA-256 of a single file.

    `unchanged` and `deleted` are counted by Node.sync_tree.
    """

    files: int
    bytes: int
    digest: str = ""
    left_out: int = 0
    left_out_files: Tuple[str, ...] = ()
    unchanged: int = 0
    deleted: int = 0
