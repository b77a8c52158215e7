"""What a test waits for on a node: a port, a socket, a file, a web server, a process or a mount.

    node.wait_for(muster.Condition.port(7000), within=30)
    cluster.servers().wait_for(muster.Condition.file("/run/kvd.pid"), within=30).checked()
    node.wait_for(muster.Condition.process("kvd").absent(), within=10)

The node itself looks, about every 20 ms, and starts nothing.
"""
from __future__ import annotations

import dataclasses
from typing import Tuple


@dataclasses.dataclass(frozen=True)
class Condition:
    """Is a value. Making one asks nothing: a wrong one is NodeError INVALID of the wait."""

    words: Tuple[str, ...]
    is_absent: bool = False

    @classmethod
    def port(cls, number: int, host: str = "127.0.0.1") -> "Condition":
        """A TCP connection to the port is accepted."""
        return cls(("port", "%s:%d" % ("[%s]" % host if ":" in host else host, number)))

    @classmethod
    def unix_socket(cls, path: str) -> "Condition":
        """A connection to the unix socket at this absolute path is accepted."""
        return cls(("socket", path))

    @classmethod
    def file(cls, path: str) -> "Condition":
        """There is something at this absolute path."""
        return cls(("file", path))

    @classmethod
    def http_status(cls, url: str, status: int = 0) -> "Condition":
        """A GET of the URL gets this status. 0 means any from 200 to 299."""
        return cls(("http", url, str(status)) if status else ("http", url))

    @classmethod
    def process(cls, name: str) -> "Condition":
        """A process of this name runs, of which the first 15 bytes count."""
        return cls(("process", name))

    @classmethod
    def mount(cls, path: str) -> "Condition":
        """A file system is mounted at this absolute path."""
        return cls(("mount", path))

    def absent(self) -> "Condition":
        """Returns the contrary: nothing listens, the file is gone, another status comes."""
        return dataclasses.replace(self, is_absent=True)
