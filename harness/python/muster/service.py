"""Services of a node, controlled by whichever manager it has: systemd, OpenRC or init scripts.

    kvd = node.service("kvd")
    kvd.start()
    kvd.wait_active(within=10)
    assert kvd.stop().state == "stopped"

What a call changes stays: it is that of UndoAt::kNever of the C++ API.
"""
from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Tuple

from ._program import error_of, time_word

if TYPE_CHECKING:
    from .cluster import Cluster

_ASK_SECONDS = 20.0
_ACT_SECONDS = 120.0


@dataclasses.dataclass(frozen=True)
class ServiceStatus:
    """A service in the words of its manager, true at the moment of the answer.

    `state` is "running", "starting", "stopping", "stopped", "failed" or "unspecified"; `detail` is
    the manager's own word. `main_pid` 0 means none.
    """

    node: str
    service: str
    state: str
    detail: str
    main_pid: int
    at_boot: str
    manager: str
    description: str
    log: Tuple[str, ...]

    @property
    def running(self) -> bool:
        return self.state == "running"


class Service:
    """Stands for a service by its name, and asks nothing when it is made.

    NodeError of these kinds: NOT_FOUND without such a service, INVALID for a wrong name, SYSTEM
    with the manager's reason, TIMEOUT, UNSUPPORTED where the manager lacks the action.
    """

    def __init__(self, cluster: "Cluster", node: str, name: str, user: str) -> None:
        self._cluster = cluster
        self.node = node
        self.name = name
        self._options = ["--user", user] if user else []

    def _ask(self, action: str, seconds: float, *options: Any) -> ServiceStatus:
        operation = "%s service %s" % (action, self.name)
        words = [*self._options, *options, self.node, self.name]
        value = self._cluster._command.value("service " + action, words, seconds, operation)
        for error in value["errors"]:
            raise error_of(error, operation)
        row = value["services"][0]
        names = [field.name for field in dataclasses.fields(ServiceStatus)]
        return ServiceStatus(**{name: tuple(row[name]) if name == "log" else row[name]
                                for name in names})

    def _act(self, action: str, timeout: float, *options: Any) -> ServiceStatus:
        return self._ask(action, timeout, "--time-limit", time_word(timeout), *options)

    def status(self) -> ServiceStatus:
        """Asks the manager. A stopped or failed service is a status and no error."""
        return self._ask("status", _ASK_SECONDS)

    def wait_active(self, within: float) -> ServiceStatus:
        """Waits until the service runs. NodeError SYSTEM at once if it has failed, else TIMEOUT."""
        return self._ask("wait", within + _ASK_SECONDS, "--within", time_word(within))

    def start(self, timeout: float = _ACT_SECONDS) -> ServiceStatus:
        return self._act("start", timeout)

    def stop(self, timeout: float = _ACT_SECONDS) -> ServiceStatus:
        return self._act("stop", timeout)

    def restart(self, timeout: float = _ACT_SECONDS) -> ServiceStatus:
        return self._act("restart", timeout)

    def reload(self, timeout: float = _ACT_SECONDS) -> ServiceStatus:
        return self._act("reload", timeout)

    def enable(self, timeout: float = _ACT_SECONDS) -> ServiceStatus:
        return self._act("enable", timeout)

    def disable(self, timeout: float = _ACT_SECONDS) -> ServiceStatus:
        return self._act("disable", timeout)

    def mask(self, timeout: float = _ACT_SECONDS) -> ServiceStatus:
        return self._act("mask", timeout)

    def unmask(self, timeout: float = _ACT_SECONDS) -> ServiceStatus:
        return self._act("unmask", timeout)

    def reset_failed(self, timeout: float = _ACT_SECONDS) -> ServiceStatus:
        return self._act("reset-failed", timeout)

    def kill(self, signal: str = "KILL", timeout: float = _ACT_SECONDS) -> ServiceStatus:
        """Sends a signal, by name or number, to the processes of the service."""
        return self._act("kill", timeout, "--signal", str(signal))
