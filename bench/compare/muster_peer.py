"""Muster as a peer of the comparison: agents with all guarantees on, and workers that hold the connections."""
import os
import signal
import statistics
import subprocess
import time

from peers import Peer, addresses
from processes import Failed, Scope, Worker, descendants, forget_peak, memory_kib, peak_kib

AGENT_PORT = 7411
LISTENING_SECONDS = 30
STARTED_AT_ONCE = 50
COMMANDS = 1000
CONTROLLERS = 32  # An agent allows an identity this many connections.


class Agent:
    """One node's agent. It listens on its address with TLS; the first one also plainly and on a unix socket."""

    def __init__(self, scope, program, directory, name, address, plain=False):
        self.name, self.address, self.plain = name, address, plain
        self.directory = os.path.join(directory, name)
        os.makedirs(self.directory)
        self.socket = f"{self.directory}/agent.sock"
        self.pid_file = f"{self.directory}/agent.pid"
        listen = [f"--listen=tls:{address}:{AGENT_PORT}"]
        if plain:
            listen += [f"--listen=tcp:{address}:{AGENT_PORT + 1}", f"--listen=unix:{self.socket}"]
        log = open(f"{self.directory}/log", "wb")  # pylint: disable=consider-using-with
        self.process = scope.start(
            [program, f"--node-name={name}", f"--state-dir={self.directory}", f"--pidfile={self.pid_file}",
             f"--audit-log={self.directory}/audit.log", "--log-level=warning", "--front-user=",
             f"--tls-authority={directory}/authority.pem", f"--tls-certificate={directory}/{name}.pem",
             f"--tls-key={directory}/{name}.key", *listen], stdout=log, stderr=log)
        log.close()

    def await_listening(self):
        until = time.monotonic() + LISTENING_SECONDS
        while not os.path.exists(self.pid_file):
            if self.process.poll() is not None or time.monotonic() > until:
                with open(f"{self.directory}/log", encoding="utf-8", errors="replace") as log:
                    raise Failed(f"nodeagent {self.name} does not listen: {log.read()[-500:]}")
            time.sleep(0.001)

    def line(self, transport, directory):
        """The line that tells bench_muster of it."""
        if transport == "unix":
            return f"node {self.name} unix {self.socket}"
        if transport == "tcp":
            return f"node {self.name} tcp {self.address} {AGENT_PORT + 1}"
        return (f"node {self.name} tls {self.address} {AGENT_PORT} {directory}/authority.pem {directory}/client.pem "
                f"{directory}/client.key")


class Muster:
    def __init__(self, scope, programs, directory, data):
        self.scope, self.programs, self.data = scope, programs, data
        self.directory = os.path.join(directory, "muster")
        os.makedirs(self.directory)
        self.agents, self.workers, self.connected, self.connects = [], {}, 0, []
        self.output_memory_kib = []
        # Certificates for every node that any work will ask for.
        maker = self._worker()
        maker.ask(f"pki {self.directory} 1004")
        # This comes first, because later other agents share the CPUs and the pages of the program with it.
        self.starts = self._starts()
        self.memory = self._memory()
        self.start_agents(1)
        self.peers = [self._peer("TLS", "tls"), self._peer("TCP", "tcp"), self._peer("unix", "unix")]
        for nodes in (10, 100, 1000):
            self.peers[0].works[f"fan-out-{nodes}"] = lambda count, nodes=nodes: self._fan_out(nodes, count)
            self.peers[0].prepare[f"fan-out-{nodes}"] = lambda nodes=nodes: self._connect(nodes)
        self.peers[0].works["ping-all-1000"] = lambda count: self._ping_all(1000, count)
        connected = {"fan-out-1000": lambda: self._connect(1000)}
        pinged = {"ping-all-1000": lambda: self._begin_pings(1000)}
        self.peers[0].prepare.update(pinged)
        # This comes before the others, whose commands would otherwise be the first.
        self.peers.insert(0, Peer("Muster, TLS, first command", {
            "fan-out-1000": lambda count: [self._first_fan_out(1000)]},
            prepare=connected, once=("fan-out-1000",)))
        self.peers.append(Peer("Muster, TLS, one node hangs", {
            "ping-all-1000": lambda count: self._ping_all_but_one(1000, count)}, prepare=pinged))
        self.peers.append(Peer("4 Muster agents", {
            "four-nodes": lambda count: [self._four_nodes() for _ in range(count)]}))

    def _worker(self):
        return Worker(self.scope, [self.programs / "bench_muster"])

    def start_agents(self, count):
        """Starts agents until there are `count`."""
        names = addresses(count)
        while len(self.agents) < count:
            begin, end = len(self.agents), min(count, len(self.agents) + STARTED_AT_ONCE)
            new = [Agent(self.scope, self.programs / "nodeagent", self.directory, f"n{index + 1}", names[index],
                         plain=index == 0) for index in range(begin, end)]
            for agent in new:
                agent.await_listening()
            self.agents += new

    def _peer(self, title, transport):
        worker = self.workers[transport] = self._worker()
        worker.ask(self.agents[0].line(transport, self.directory))

        def rate(request, items):
            return lambda count: [items / worker.ask(f"{request} {items} 64")["seconds"] for _ in range(count)]

        def carry(work, source):
            return lambda target: worker.ask(f"{work} {source} {target}", 300)["seconds"]

        works = {work: (lambda count, work=work: worker.times(f"{work} {count}"))
                 for work in ("ping", "exec", "output")}
        works["output-big"] = lambda count: [self._big_output(worker) for _ in range(count)]
        if transport != "unix":
            works["reconnect"] = lambda count: worker.times(f"reconnect {count}")
        works.update({"rate": rate("rate", 384), "ping-rate": rate("ping-rate", 12800)})
        if transport != "unix":
            works.update({f"{way}-file": self.data.files(carry(f"{way}-file", self.data.file))
                          for way in ("push", "pull")})
        works.update({f"{way}-tree": self.data.trees(carry(f"{way}-tree", self.data.tree)) for way in ("push", "pull")})
        return Peer(f"Muster, {title}", works)

    def _big_output(self, worker):
        """Notes also how far the memory of controller, front and keeper went above what they had before."""
        pids = [worker.process.pid, *descendants(self.agents[0].process.pid)]
        before = [memory_kib(pid)["rss"] for pid in pids]
        for pid in pids:
            forget_peak(pid)
        seconds = worker.ask(f"output-big {self.data.file_bytes}", 300)["seconds"]
        self.output_memory_kib.append(sum(peak_kib(pid) for pid in pids) - sum(before))
        return seconds

    def _connect(self, nodes):
        """The worker of the fan-outs, with so many nodes connected; what that took is noted."""
        if "fan-out" not in self.workers:
            self.workers["fan-out"] = self._worker()
        worker = self.workers["fan-out"]
        connected = self.connected
        if nodes <= connected:
            return worker
        self.connected = nodes
        self.start_agents(nodes)
        self._name(worker, connected, nodes)
        before = memory_kib(worker.process.pid)
        seconds = worker.ask(f"connect {nodes}")["seconds"]
        self.connects.append({"nodes": nodes, "new": nodes - connected, "seconds": seconds,
                              "controller_before": before, "controller": memory_kib(worker.process.pid)})
        return worker

    def _name(self, worker, begin, end):
        for agent in self.agents[begin:end]:
            worker.ask(agent.line("tls", self.directory))

    def _fan_out(self, nodes, count):
        worker = self._connect(nodes)
        return [worker.ask(f"fan-out {nodes}")["seconds"] for _ in range(count)]

    def _first_fan_out(self, nodes):
        """The first command of sessions that were just begun, on agents of which most never ran one."""
        if "first_seconds" in self.connects[-1]:
            raise Failed(f"{nodes} agents ran a command before")
        self.connects[-1]["first_seconds"] = self._fan_out(nodes, 1)[0]
        return self.connects[-1]["first_seconds"]

    def _begin_pings(self, nodes):
        """Only one controller is connected then: the heartbeats of another would take their part of the CPUs."""
        if "ping-all" in self.workers:
            return
        if "fan-out" in self.workers:
            self.workers.pop("fan-out").ask("disconnect-all")
            self.connected = 0
        self.start_agents(nodes)
        self.workers["ping-all"] = self._worker()
        self._name(self.workers["ping-all"], 0, nodes)
        self._ping_all(nodes, 1)

    def _ping_all(self, nodes, count, awaited=None):
        worker = self.workers["ping-all"]
        return [worker.ask(f"ping-all {nodes} {awaited or nodes}")["seconds"] for _ in range(count)]

    def _ping_all_but_one(self, nodes, count):
        """The last one is stopped; the others are timed while its question stays open."""
        self._ping_all(nodes, 1)
        pids = descendants(self.agents[nodes - 1].process.pid)
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            return self._ping_all(nodes, count, nodes - 1)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def _four_nodes(self):
        """From nothing (but keys) to the answer of a command from four agents, by a controller that starts anew too."""
        scope = Scope()
        begin = time.monotonic()
        try:
            agents = [Agent(scope, self.programs / "nodeagent", self.directory, f"n{1001 + index}",
                            f"127.2.0.{index + 1}") for index in range(4)]
            worker = Worker(scope, [self.programs / "bench_muster"])
            for agent in agents:
                agent.await_listening()
                worker.ask(agent.line("tls", self.directory))
            worker.ask("fan-out 4")
            return time.monotonic() - begin
        finally:
            scope.stop()
            for agent in agents:
                subprocess.run(["rm", "-rf", agent.directory], check=True)

    def _memory(self):
        """An agent's, as it goes through its life: what, how many controllers are connected, and its processes' memory,
        the front's last."""
        scope, found = Scope(), []
        agent = Agent(scope, self.programs / "nodeagent", self.directory, "n1002", "127.2.0.2")
        try:
            agent.await_listening()
            worker = Worker(scope, [self.programs / "bench_muster"])

            def note(what, controllers):
                found.append({"what": f"Muster's agent {what}", "controllers": controllers, "processes": [
                    memory_kib(pid) for pid in descendants(agent.process.pid)]})

            note("idle", 0)
            for _ in range(CONTROLLERS):
                worker.ask(agent.line("tls", self.directory))
            for _ in range(2):
                worker.ask(f"exec {COMMANDS}")
                note(f"after {COMMANDS} {'commands' if len(found) == 1 else 'more'}", 1)
            worker.ask(f"connect {CONTROLLERS}")
            note(f"with {CONTROLLERS} controllers connected", CONTROLLERS)
            worker.ask("disconnect-all")
            note("after they left", 0)
            return found
        finally:
            scope.stop()
            subprocess.run(["rm", "-rf", agent.directory], check=True)

    def numbers(self):
        """The numbers that fit in no table of works."""
        return {"agent_start_to_listening_seconds": self.starts, "connects": self.connects,
                "output_memory_kib": self.output_memory_kib}

    def _starts(self):
        found = []
        for _ in range(5):
            scope = Scope()
            begin = time.monotonic()
            try:
                agent = Agent(scope, self.programs / "nodeagent", self.directory, "n1001", "127.2.0.1")
                agent.await_listening()
                found.append(time.monotonic() - begin)
            finally:
                scope.stop()
                subprocess.run(["rm", "-rf", agent.directory], check=True)
        return {"median": statistics.median(found), "samples": found}


def start_muster(scope, programs, directory, data):
    """Returns None if it was not built."""
    if not (programs / "bench_muster").exists() or not (programs / "nodeagent").exists():
        return None
    return Muster(scope, programs, directory, data)
