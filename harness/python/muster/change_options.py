"""The kinds of changes that end with their `Change`, as those of muster/change_options.h.

    with node.change(muster.Sysctl("net.ipv4.ip_forward", "1")) as change:
        print(change.details["before"])

Values of a wrong form are NodeError INVALID of the call, before the node is touched.
"""
from __future__ import annotations

import dataclasses
from typing import List, Mapping, Sequence, Union


@dataclasses.dataclass(frozen=True)
class Sysctl:
    """The kernel parameter has the value. Change.details has the old one as `before`."""

    name: str
    value: str

    def words(self) -> List[str]:
        return ["sysctl", "%s=%s" % (self.name, self.value)]


@dataclasses.dataclass(frozen=True)
class ExtraAddress:
    """An address with its prefix, such as 10.9.0.5/24."""

    address: str
    interface: str

    def words(self) -> List[str]:
        return ["address", self.address, self.interface]


@dataclasses.dataclass(frozen=True)
class HostsEntry:
    """A line of /etc/hosts, before all others."""

    address: str
    names: Sequence[str]

    def words(self) -> List[str]:
        return ["hosts", self.address, *self.names]


@dataclasses.dataclass(frozen=True)
class TmpfsMount:
    """A file system in memory, of this many bytes. The directory is made if only it is missing."""

    directory: str
    bytes: int

    def words(self) -> List[str]:
        return ["tmpfs", self.directory, str(self.bytes)]


@dataclasses.dataclass(frozen=True)
class LoopMount:
    """A new file system in a sparse file below /var/tmp of the node."""

    directory: str
    bytes: int
    file_system: str = "ext4"

    def words(self) -> List[str]:
        return ["loop", self.directory, str(self.bytes), self.file_system]


@dataclasses.dataclass(frozen=True)
class NodeMount:
    """What `mount` of the node can mount: NFS, FUSE, a bind. `options` are those of `mount -o`."""

    directory: str
    source: str
    type: str
    options: str = ""

    def words(self) -> List[str]:
        options = [self.options] if self.options else []
        return ["mount", self.directory, self.source, self.type, *options]


@dataclasses.dataclass(frozen=True)
class OpenPort:
    """A rule that lets the port in, before all others. `protocol` is "tcp" or "udp"."""

    port: int
    protocol: str = "tcp"

    def words(self) -> List[str]:
        return ["port", "%d/%s" % (self.port, self.protocol)]


@dataclasses.dataclass(frozen=True)
class VethPair:
    """Two connected interfaces, up."""

    name: str
    peer: str

    def words(self) -> List[str]:
        return ["veth", self.name, self.peer]


@dataclasses.dataclass(frozen=True)
class Vlan:
    """An interface for a VLAN, up. An empty name is INTERFACE.ID."""

    interface: str
    id: int
    name: str = ""

    def words(self) -> List[str]:
        name = [self.name] if self.name else []
        return ["vlan", self.interface, str(self.id), *name]


@dataclasses.dataclass(frozen=True)
class Bridge:
    """A bridge of these interfaces, up."""

    name: str
    ports: Sequence[str] = ()

    def words(self) -> List[str]:
        return ["bridge", self.name, *self.ports]


@dataclasses.dataclass(frozen=True)
class NodeUser:
    """A user, by the node's `useradd`. An empty group is one of its own."""

    name: str
    group: str = ""

    def words(self) -> List[str]:
        return ["user", self.name, self.group] if self.group else ["user", self.name]


@dataclasses.dataclass(frozen=True)
class NodeGroup:
    """A group, by the node's `groupadd`."""

    name: str

    def words(self) -> List[str]:
        return ["group", self.name]


@dataclasses.dataclass(frozen=True)
class Packages:
    """Packages by `apt-get` or `dnf`, by name or as files of the node."""

    names: Sequence[str]

    def words(self) -> List[str]:
        return ["packages", *self.names]


@dataclasses.dataclass(frozen=True)
class ServiceEnvironment:
    """Variables that the service finds at its next start."""

    service: str
    variables: Mapping[str, str]

    def words(self) -> List[str]:
        return ["environment", self.service,
                *("%s=%s" % each for each in sorted(self.variables.items()))]


ChangeSpec = Union[
    Sysctl, ExtraAddress, HostsEntry, TmpfsMount, LoopMount, NodeMount, OpenPort, VethPair, Vlan,
    Bridge, NodeUser, NodeGroup, Packages, ServiceEnvironment,
]
