"""Files and directories of a node, as its root sees them.

    file = node.file("/root/settings")
    file.write(b"a = 1\\n", mode=0o600)
    assert file.read() == b"a = 1\\n"
    assert file.remove() and not file.exists()

Each call goes by the path anew. A write replaces the file in one step, after its digest was
compared, or leaves it as it was. Files stay after the test.
"""
from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, Any, Dict, List, Sequence, Union

from . import _program
from .errors import Kind, NodeError
from .result import Result, TransferResult

if TYPE_CHECKING:
    from .node import Node

#: How long a copy may take unless another time is asked for.
COPY_SECONDS = 600.0
_READ_BYTES_MAX = 256 << 20
_PATTERN = "*?["


def copy(command: _program.Command, words: Sequence[Any], timeout: float,
         operation: str) -> List[Dict[str, Any]]:
    """Runs `muster cp` and returns its transfers, some of which may have failed."""
    options = ["--time-limit", _program.time_word(timeout)]
    return command.value("cp", [*options, *words], timeout, operation)["transfers"]


def transfer_of(entry: Dict[str, Any], node: str, operation: str) -> TransferResult:
    """Returns what a transfer did. NodeError if it has failed."""
    if entry["error"] is not None:
        kind = _program.kind_of(entry["error_kind"]) if entry["error_kind"] else Kind.SYSTEM
        raise NodeError(kind, node, operation, entry["error"])
    return TransferResult(
        files=entry["files"], bytes=entry["bytes"], digest=entry.get("sha256", ""),
        left_out=entry["left_out"], left_out_files=tuple(entry["left_out_files"]),
        unchanged=entry.get("unchanged", 0), deleted=entry.get("deleted", 0))


def only_transfer(entries: List[Dict[str, Any]], source: str, node: str,
                  operation: str) -> TransferResult:
    """Returns what the copy of one source did, which stands for no other file."""
    # `muster cp` takes a name for a pattern where there is no file of that name.
    is_same = len(entries) == 1 and entries[0]["source"] == source
    if not is_same and any(each in source for each in _PATTERN):
        raise NodeError(Kind.NOT_FOUND, node, operation, "there is no such file")
    return transfer_of(entries[0], node, operation)


def local_word(path: Union[str, "os.PathLike[str]"]) -> str:
    """Returns the word for a local file, of which no part is taken for a node."""
    return os.path.abspath(os.fspath(path))


def write_words(data: bytes, directory: str, mode: int, parents: bool, must_be_new: bool,
                in_place: bool) -> List[str]:
    """Makes a local file of the bytes, and returns the options and the source of its copy."""
    path = os.path.join(directory, "content")
    with open(path, "wb") as file:
        file.write(data)
        os.fchmod(file.fileno(), mode)
    options = ["--no-target-directory"]
    options += ["--parents"] * parents + ["--no-clobber"] * must_be_new
    return [*options, *["--in-place"] * in_place, path]


class File:
    """Stands for an absolute path on a node, and asks nothing when it is made.

    NodeError of these kinds: INVALID for a path that can never be, NOT_FOUND without the path or
    its directory, CONFLICT if something else is there, DENIED, and SYSTEM where the node's own tool
    failed.
    """

    def __init__(self, node: "Node", path: str) -> None:
        self._node = node
        self.path = path

    def _word(self) -> str:
        if not self.path.startswith("/"):
            raise NodeError(Kind.INVALID, self._node.name, "file %r" % self.path,
                            "a path on a node is to be absolute")
        return "%s:%s" % (self._node.name, self.path)

    def read(self, timeout: float = COPY_SECONDS) -> bytes:
        """Returns the whole content, of at most 256 MiB: pull a larger file."""
        operation = "read %s" % self.path
        with tempfile.TemporaryDirectory(prefix="muster-") as directory:
            target = os.path.join(directory, "content")
            entries = copy(self._node._command, [self._word(), target], timeout, operation)
            only_transfer(entries, self._word(), self._node.name, operation)
            if os.path.getsize(target) > _READ_BYTES_MAX:
                raise NodeError(Kind.INVALID, self._node.name, operation,
                                "it has more than 256 MiB; pull it")
            # Its mode came along, and may forbid what root may.
            os.chmod(target, 0o600)
            with open(target, "rb") as file:
                return file.read()

    def write(self, data: bytes, mode: int = 0o644, parents: bool = False,
              must_be_new: bool = False, in_place: bool = False,
              timeout: float = COPY_SECONDS) -> TransferResult:
        """Replaces or makes the file, in one step.

        `parents` makes missing directories. With `must_be_new` a file that is there is NodeError
        CONFLICT. `in_place` writes into the file that is there, for bind mounts and those of
        /proc/sys. The owner is that of this program, by name.
        """
        operation = "write %s" % self.path
        with tempfile.TemporaryDirectory(prefix="muster-") as directory:
            words = write_words(data, directory, mode, parents, must_be_new, in_place)
            entries = copy(self._node._command, [*words, self._word()], timeout, operation)
        return transfer_of(entries[0], self._node.name, operation)

    def exists(self) -> bool:
        """Tells whether something is there; a dangling link is."""
        result = self._tool("test", "-e", self.path, "-o", "-L", self.path)
        if result.exit_status in (0, 1):
            return result.exit_status == 0
        raise self._failure("look at", result)

    def list(self) -> List[str]:
        """Returns the names in a directory, in byte order, without "." and ".."."""
        result = self._done("list", "find", self.path + "/.", "-mindepth", "1", "-maxdepth", "1",
                            "-printf", "%f\\0")
        names = sorted(name for name in result.stdout.split(b"\0") if name)
        return [os.fsdecode(name) for name in names]

    def digest(self) -> str:
        """Returns the SHA-256 of a file, in lower-case hexadecimal digits."""
        return self._done("digest", "sha256sum", "-z", self.path).stdout[:64].decode("ascii")

    def make_directory(self, mode: int = 0o755) -> bool:
        """Makes the directory and its missing parents. False: it existed, and keeps its mode."""
        if self._tool("test", "-d", self.path).succeeded:
            return False
        self._done("make directory", "mkdir", "-p", "-m", "%o" % mode, self.path)
        return True

    def remove(self) -> bool:
        """Removes a file, a link or an empty directory. False: there was nothing."""
        return self._remove("rm", "-f", "-d")

    def remove_tree(self) -> bool:
        """Removes all below a path too, without crossing file systems. False: there was nothing."""
        return self._remove("rm", "-rf", "--one-file-system")

    def _remove(self, *words: str) -> bool:
        if not self.exists():
            return False
        self._done("remove", *words, self.path)
        return True

    def _tool(self, *argv: str) -> Result:
        self._word()
        return self._node.run(argv, env={"LC_ALL": "C"})

    def _done(self, verb: str, *argv: str) -> Result:
        result = self._tool(*argv)
        if not result.succeeded:
            raise self._failure(verb, result)
        return result

    def _failure(self, verb: str, result: Result) -> NodeError:
        text = result.stderr.decode("utf-8", "backslashreplace").strip() or str(result.outcome)
        is_missing = text.endswith(": No such file or directory")
        return NodeError(Kind.NOT_FOUND if is_missing else Kind.SYSTEM, self._node.name,
                         "%s %s" % (verb, self.path), text)

    def __repr__(self) -> str:
        return "File(%s:%s)" % (self._node.name, self.path)
