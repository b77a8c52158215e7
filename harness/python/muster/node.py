"""One machine of the cluster: run commands on it, reach its files and services, ask what it is.

    node = cluster.node("server1")
    assert node.run(["echo", "hello"]).stdout == b"hello\\n"
    with node.start(["sleep", "60"]) as sleeper: ...

A Node is a name: each call asks the node. A command that fails, cannot be started or is killed at
its deadline is a Result. Only "no answer" is a NodeError. Every call ends in its time.
"""
from __future__ import annotations

import dataclasses
import json
import os
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from . import _program
from .change import Change
from .change_options import ChangeSpec
from .condition import Condition
from .errors import Kind, NodeError
from .file import COPY_SECONDS, File, copy, local_word, only_transfer, transfer_of
from .log import Log, LogSource
from .process import Process
from .result import Answers, Result, TransferResult, bytes_of, result_of
from .service import Service

if TYPE_CHECKING:
    from .cluster import Cluster

Argv = Sequence[Union[str, bytes]]
Bytes = Union[str, bytes]

#: How long a started command may run unless another time is asked for.
START_SECONDS = 3600.0
_CHANGE_SECONDS = 120.0
_HTTP_SECONDS = 10.0
_FACTS_SECONDS = 10.0


@dataclasses.dataclass(frozen=True)
class HttpResponse:
    """What a web server answered. Names of headers are as they came."""

    status: int
    headers: Tuple[Tuple[str, str], ...]
    body: bytes


def command_words(nodes: str, argv: Argv, timeout: float, env: Optional[Mapping[str, str]],
                  directory: str, user: str, more: Sequence[Any] = ()) -> List[Any]:
    """Returns the words of `muster exec` for a command."""
    if isinstance(argv, (str, bytes)):
        raise NodeError(Kind.INVALID, "", "run %r" % (argv,),
                        "a command is a list of words; no shell reads it")
    options: List[Any] = ["--timeout", _program.time_word(timeout), *more]
    for name, value in (env or {}).items():
        if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
            raise NodeError(Kind.INVALID, nodes, "run " + str(argv[0]) if argv else "run",
                            "%r is no name of a variable" % (name,))
        options += ["--env", "%s=%s" % (name, value)]
    options += ["--directory", directory] if directory else []
    options += ["--user", user] if user else []
    return [*options, nodes, "--", *argv]


def run_on(command: _program.Command, nodes: str, argv: Argv, stdin: Optional[Bytes],
           timeout: float, env: Optional[Mapping[str, str]], directory: str,
           user: str) -> Answers[Result]:
    """Runs a command on all nodes of a set at once."""
    more = [] if stdin is None else ["--input"]
    words = command_words(nodes, argv, timeout, env, directory, user, more)
    data = stdin.encode("utf-8") if isinstance(stdin, str) else stdin
    operation = "run %r" % (list(argv),)
    value = command.value("exec", words, timeout, operation, data)
    answers: Dict[str, Union[Result, NodeError]] = {}
    for entry in value["nodes"]:
        name = entry["node"]
        error = entry["error"]
        answers[name] = (result_of(entry, tuple(argv)) if error is None
                         else _program.error_of(error, operation, name))
    return Answers(answers, Result.checked)


def wait_on(command: _program.Command, nodes: Sequence[str], condition: Condition,
            within: float) -> Answers[str]:
    """Waits on all nodes of a set at once."""
    words = [",".join(nodes), *condition.words, "--within", _program.time_word(within)]
    words += ["--gone"] * condition.is_absent
    operation = "wait for %s" % " ".join(condition.words)
    value = command.value("wait", words, within, operation)
    seen = {entry["node"]: entry["seen"] for entry in value["nodes"]}
    errors = {entry["node"]: _program.error_of(entry, operation) for entry in value["errors"]}
    return Answers({name: seen.get(name) if name in seen else errors[name] for name in nodes})


class Node:
    """Given by Cluster. It is valid until its cluster ends."""

    def __init__(self, cluster: "Cluster", row: Mapping[str, Any]) -> None:
        self._cluster = cluster
        self.name: str = row["name"]
        self.role: str = row["role"]
        self.labels: Dict[str, str] = dict(row["labels"])
        #: The addresses on the network that the nodes share. It may be empty.
        self.addresses: List[str] = list(row["addresses"])

    @property
    def _command(self) -> _program.Command:
        return self._cluster._command

    @property
    def address(self) -> str:
        """The first of `addresses`, or else the name."""
        return self.addresses[0] if self.addresses else self.name

    def run(self, argv: Argv, *, stdin: Optional[Bytes] = None, timeout: Optional[float] = None,
            env: Optional[Mapping[str, str]] = None, directory: str = "",
            user: str = "") -> Result:
        """Runs `argv` and waits until it has ended and its output was read. No shell reads it.

        `stdin` is its input, without which that is /dev/null. `timeout` in seconds is the time that
        it is allowed, by default that of the cluster; then the node kills it with all that it
        started. `env` is added to its environment, that of a login. It runs in `directory`, "/" by
        default, as `user`, root by default. How it ended is a value, also a missing program
        (NOT_STARTED) and a passed deadline (DEADLINE). Its output may have 64 MiB.
        """
        seconds = self._cluster.timeout if timeout is None else timeout
        return run_on(self._command, self.name, argv, stdin, seconds, env, directory,
                      user)[self.name]

    def shell(self, script: str, **options: Any) -> Result:
        """Runs a script by `/bin/sh -c` of the node. `options` are those of `run`."""
        return self.run(["/bin/sh", "-c", script], **options)

    def output(self, argv: Argv, **options: Any) -> bytes:
        """Runs `argv` and returns its standard output. NodeError COMMAND_FAILED if it fails."""
        return self.run(argv, **options).checked().stdout

    def start(self, argv: Argv, *, timeout: float = START_SECONDS,
              env: Optional[Mapping[str, str]] = None, directory: str = "",
              user: str = "") -> Process:
        """Starts `argv` and returns when it runs. Its standard input is open: see Process.write.

        The node kills it after `timeout`. If it cannot be started, Process.wait gives NOT_STARTED.
        """
        words = command_words(self.name, argv, timeout, env, directory, user, ["--input"])
        return Process(self._cluster, self.name, tuple(argv), words)

    def file(self, path: str) -> File:
        """Stands for a path, and asks nothing."""
        return File(self, path)

    def read_file(self, path: str) -> bytes:
        """Returns the content of a file, as File.read does."""
        return self.file(path).read()

    def write_file(self, path: str, data: Bytes, mode: int = 0o644, **options: Any) -> None:
        """Replaces or makes a file, as File.write does."""
        self.file(path).write(data.encode("utf-8") if isinstance(data, str) else data, mode,
                              **options)

    def service(self, name: str, user: str = "") -> Service:
        """Stands for a service of the node, or of one of its users, and asks nothing."""
        return Service(self._cluster, self.name, name, user)

    def log(self, source: Union[str, LogSource]) -> Log:
        """Stands for a log, and asks nothing. A text is a pattern of paths."""
        named = LogSource.files(source) if isinstance(source, str) else source
        return Log(self._cluster, self.name, named)

    def change(self, spec: ChangeSpec, timeout: float = _CHANGE_SECONDS) -> Change:
        """Makes a change of the node, which ends with its `with`. Returns when it is there."""
        return Change(self._cluster, self.name, spec, timeout)

    def wait_for(self, condition: Condition, within: float) -> str:
        """Waits until the condition holds as the node sees it, and returns its last look.

        NodeError TIMEOUT, with the last look, if it does not in time.
        """
        return wait_on(self._command, [self.name], condition, within)[self.name]

    def http_get(self, url: str, headers: Optional[Mapping[str, str]] = None,
                 within: float = _HTTP_SECONDS) -> HttpResponse:
        """Sends an HTTP GET from the node, and returns the response, whatever its status."""
        options: List[Any] = ["--within", _program.time_word(within)]
        for name, value in (headers or {}).items():
            options += ["--header", "%s: %s" % (name, value)]
        operation = "get %s" % url
        answer = self._command.value("http", [*options, self.name, url], within, operation)
        for error in answer["errors"]:
            raise _program.error_of(error, operation)
        response = answer["responses"][0]
        headers_got = tuple((each["name"], each["value"]) for each in response["headers"])
        return HttpResponse(response["status"], headers_got, bytes_of(response, "body"))

    def facts(self) -> SimpleNamespace:
        """Asks the node what it is, as `muster facts --json` does: `facts().kernel_release`."""
        ended = self._command.run("facts", [self.name], _FACTS_SECONDS)
        try:
            value = json.loads(ended.out, object_hook=lambda members: SimpleNamespace(**members))
        except ValueError:
            raise _program.failure_of(ended, "facts", self.name) from None
        for error in value.errors:
            raise _program.error_of(vars(error), "facts")
        return value.nodes[0].facts

    def push(self, local: Union[str, "os.PathLike[str]"], remote: str,
             timeout: float = COPY_SECONDS) -> TransferResult:
        """Copies one file from here, in one step, and compares digests.

        It keeps its mode, times and attributes. NodeError NOT_FOUND or SYSTEM if it cannot be read.
        """
        return self._copy(["--no-target-directory", local_word(local), self._word(remote)], timeout,
                          "push %s" % remote)

    def pull(self, remote: str, local: Union[str, "os.PathLike[str]"],
             timeout: float = COPY_SECONDS) -> TransferResult:
        """Copies one file to here, in one step, and compares digests."""
        operation = "pull %s" % remote
        words = ["--no-target-directory", self._word(remote), local_word(local)]
        entries = copy(self._command, words, timeout, operation)
        return only_transfer(entries, self._word(remote), self.name, operation)

    def push_tree(self, local: Union[str, "os.PathLike[str]"], remote: str,
                  timeout: float = COPY_SECONDS) -> TransferResult:
        """Copies what is below a directory to the node. What its target has besides stays."""
        words = ["--recursive", local_word(local) + "/.", self._word(remote)]
        return self._copy(words, timeout, "push %s" % remote)

    def pull_tree(self, remote: str, local: Union[str, "os.PathLike[str]"],
                  timeout: float = COPY_SECONDS) -> TransferResult:
        """Copies what is below a directory to here."""
        words = ["--recursive", self._word(remote) + "/.", local_word(local)]
        return self._copy(words, timeout, "pull %s" % remote)

    def copy_to(self, path: str, target: "Node", target_path: str,
                timeout: float = COPY_SECONDS) -> TransferResult:
        """Copies a file to another node, or to another place of this one, by this machine."""
        operation = "copy %s" % path
        words = ["--no-target-directory", self._word(path), target._word(target_path)]
        entries = copy(self._command, words, timeout, operation)
        return only_transfer(entries, self._word(path), self.name, operation)

    def sync_tree(self, local: Union[str, "os.PathLike[str]"], remote: str, delete: bool = False,
                  timeout: float = COPY_SECONDS) -> TransferResult:
        """Makes a directory of the node like a local one, and sends only what differs.

        With `delete`, what the target has besides is removed.
        """
        operation = "sync %s" % remote
        words = ["--time-limit", _program.time_word(timeout), local_word(local), self._word(remote)]
        entries = self._command.value("sync", [*words, *["--delete"] * delete], timeout, operation)
        return transfer_of(entries["targets"][0], self.name, operation)

    def _word(self, path: str) -> str:
        return self.file(path)._word()

    def _copy(self, words: List[Any], timeout: float, operation: str) -> TransferResult:
        return transfer_of(copy(self._command, words, timeout, operation)[0], self.name, operation)

    def __repr__(self) -> str:
        return "Node(%s)" % self.name
