"""The tools that Muster is compared with. Each peer is an object with `name` and `works`: a map from the name of a work
to a function that does it `count` times and returns that many measured values (seconds, or items per second for works
whose name ends in "rate"). Peers keep all their files below one temporary directory."""
import os
import shutil
import socket
import subprocess
import time

from processes import Failed, Scope, Worker, timed

OUTPUT_BYTES = 1 << 20
OUTPUT_COMMAND = ["/usr/bin/head", "-c", str(OUTPUT_BYTES), "/dev/zero"]
HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"


def addresses(count):
    """Returns `count` loopback addresses, one a node."""
    return [f"127.1.{index // 250}.{index % 250 + 1}" for index in range(count)]


def ranges(count):
    """Returns the addresses in the notation of pdsh and clush."""
    whole, rest = divmod(count, 250)
    parts = [f"127.1.{block}.[1-250]" for block in range(whole)]
    return ",".join(parts + ([f"127.1.{whole}.[1-{rest}]"] if rest > 1 else [f"127.1.{whole}.1"] if rest else []))


def await_port(port, seconds=10):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.005)
    raise Failed(f"nothing listens on port {port}")


def empty(path):
    shutil.rmtree(path, ignore_errors=True)
    if os.path.isfile(path):
        os.unlink(path)


class Data:
    """The files to carry, and where to; the paths are on a tmpfs."""

    def __init__(self, directory, file_bytes, small_files):
        self.file_bytes, self.small_files = file_bytes, small_files
        self.file = os.path.join(directory, "one", "file")
        self.tree = os.path.join(directory, "tree")
        self.target = os.path.join(directory, "target")
        os.makedirs(os.path.dirname(self.file))
        block = os.urandom(1 << 20)
        with open(self.file, "wb") as file:
            for _ in range(file_bytes >> 20):
                file.write(block)
        for index in range(small_files):
            where = os.path.join(self.tree, f"d{index % 20}")
            os.makedirs(where, exist_ok=True)
            with open(os.path.join(where, f"f{index}"), "wb") as file:
                file.write(block[index: index + 4096])

    def repeat(self, count, work, whole):
        """Does `work(target)` into a fresh target `count` times and checks what arrived."""
        found = []
        for _ in range(count):
            empty(self.target)
            os.makedirs(self.target)
            target = os.path.join(self.target, "t")
            found.append(work(target))
            self._check(target, whole)
        empty(self.target)
        return found

    def files(self, work):
        return lambda count: self.repeat(count, work, whole="file")

    def trees(self, work):
        return lambda count: self.repeat(count, work, whole="tree")

    def _check(self, target, whole):
        if whole == "file":
            if not os.path.isfile(target) or os.path.getsize(target) != self.file_bytes:
                raise Failed("the file did not arrive whole")
        else:
            arrived = sum(len(names) for _, _, names in os.walk(target))
            if arrived != self.small_files:
                raise Failed(f"{arrived} files of {self.small_files} arrived")


class Peer:
    """`prepare` has, by work, what is to be done once before it and is not timed. The works in `once` are
    done once: their very first call is what counts."""

    def __init__(self, name, works, prepare=None, once=()):
        self.name, self.works, self.prepare, self.once = name, works, prepare or {}, once


class Floor:
    """The cost of the machine itself, measured by bench_floor."""

    def __init__(self, scope, programs, data, environment):
        worker = self.worker = Worker(scope, [programs / "bench_floor"])

        def seconds(request):
            return worker.ask(request, 300)["seconds"]

        def rate(count, threads=8, items=400):
            return [items / seconds(f"rate {items} {threads}") for _ in range(count)]

        def fan_out(nodes):
            return lambda count: [seconds(f"rate {nodes} 8") for _ in range(count)]

        def file(transport):
            return data.files(lambda target: seconds(f"file {transport} {data.file} {target}"))

        pipe = ["/bin/sh", "-c", f"head -c {data.file_bytes} /dev/zero | cat > /dev/null"]
        copy = data.trees(lambda target: timed(["cp", "-r", data.tree, target], environment))
        self.peers = [
            Peer("floor: posix_spawn", {
                "exec": lambda count: worker.times(f"exec {count}"),
                "output": lambda count: worker.times(f"output {count}"), "rate": rate,
                "fan-out-10": fan_out(10), "fan-out-100": fan_out(100), "fan-out-1000": fan_out(1000)}),
            Peer("floor: clone vfork", {"exec": lambda count: worker.times(f"exec-vfork {count}")}),
            Peer("floor: pipe to cat", {"output-big": lambda count: [timed(pipe, environment) for _ in range(count)]}),
            Peer("floor: cp -r", {"push-tree": copy, "pull-tree": copy}),
        ]
        self.peers.append(Peer("floor: 2 000 raw processes", {
            "ping-all-1000": lambda count: [seconds("relays 1000") for _ in range(count)]}))
        for transport in ("tcp", "unix", "tls"):
            works = {"ping": lambda count, transport=transport: worker.times(f"ping {transport} {count}")}
            if transport != "unix":
                works.update({"push-file": file(transport), "pull-file": file(transport)})
            self.peers.append(Peer(f"floor: raw {transport.upper() if transport != 'unix' else 'unix'}", works))


class Grpc:
    def __init__(self, scope, programs):
        server = Worker(scope, [programs / "bench_grpc", "serve"])
        worker = Worker(scope, [programs / "bench_grpc", "call", server.read()["port"]])

        def rate(request, items):
            return lambda count: [items / worker.ask(f"{request} {items} 64")["seconds"] for _ in range(count)]

        self.peers = [Peer("gRPC C++", {
            "ping": lambda count: worker.times(f"ping {count}"),
            "exec": lambda count: worker.times(f"exec {count}"),
            "output": lambda count: worker.times(f"output {count}"),
            "rate": rate("rate", 400), "ping-rate": rate("ping-rate", 10000)})]


class Rpyc:
    def __init__(self, scope, data):
        script = os.path.join(HERE, "rpyc_worker.py")
        server = Worker(scope, [PYTHON, script, "serve"])
        worker = Worker(scope, [PYTHON, script, "call", server.read()["port"]])
        self.server_pid = server.process.pid

        def carry(kind, source):
            return lambda target: worker.ask(f"{kind} {source} {target}", 300)["seconds"]

        works = {work: (lambda count, work=work: worker.times(f"{work} {count}"))
                 for work in ("ping", "exec", "output")}
        # One large file takes it 80 s per GiB, which would leave no time for the others.
        works.update({f"{way}-tree": data.trees(carry(f"{way}-tree", data.tree)) for way in ("push", "pull")})
        self.peers = [Peer("rpyc", works)]


class Ssh:
    """An sshd of our own with own keys; ssh with and without a master connection, scp, sftp, rsync, pdsh, clush,
    Ansible, and Mitogen over it."""

    def __init__(self, scope, directory, environment, data, port):
        self.scope, self.directory, self.data, self.port = scope, directory, data, port
        self.environment = dict(environment)
        self._make_keys()
        self.config = self._client_config("config", "")
        self.mux_config = self._client_config(
            "mux_config", f"  ControlMaster auto\n  ControlPath {directory}/%h.sock\n  ControlPersist yes\n")
        self.daemon = self.start_daemon(port)
        await_port(port)
        self._configure_tools()
        self.master = None
        self.peers = [Peer("ssh", self._ssh_works(self.config)), self._mux_peer(), *self._copiers(),
                      *self._fan_outs()]

    def _make_keys(self):
        for name in ("host_key", "user_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.directory}/{name}"], check=True)
        shutil.copy(f"{self.directory}/user_key.pub", f"{self.directory}/authorized_keys")

    def start_daemon(self, port, scope=None):
        """One more sshd; only for this network namespace, which has nothing but loopback."""
        path = f"{self.directory}/sshd_config.{port}"
        with open(path, "w", encoding="ascii") as file:
            file.write(f"Port {port}\nListenAddress 0.0.0.0\nHostKey {self.directory}/host_key\n"
                       f"AuthorizedKeysFile {self.directory}/authorized_keys\nPidFile none\nStrictModes no\n"
                       "PermitRootLogin yes\nPasswordAuthentication no\nUsePAM no\nMaxStartups 2000\n"
                       "MaxSessions 1000\nSubsystem sftp internal-sftp\n")
        return (scope or self.scope).start(["/usr/sbin/sshd", "-D", "-f", path], stderr=subprocess.DEVNULL)

    def _client_config(self, name, more):
        path = f"{self.directory}/{name}"
        with open(path, "w", encoding="ascii") as file:
            file.write(f"Host *\n  Port {self.port}\n  User root\n  IdentityFile {self.directory}/user_key\n"
                       f"  IdentitiesOnly yes\n  UserKnownHostsFile {self.directory}/known_hosts\n"
                       "  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking no\n  LogLevel ERROR\n"
                       f"  HashKnownHosts no\n{more}")
        return path

    def _configure_tools(self):
        with open(f"{self.directory}/clush.conf", "w", encoding="ascii") as file:
            file.write(f"[Main]\nfanout: 64\nconnect_timeout: 30\ncommand_timeout: 0\nhistory_size: 0\n"
                       f"ssh_options: -F {self.config}\n")
        with open(f"{self.directory}/ansible.cfg", "w", encoding="ascii") as file:
            file.write(f"[defaults]\nhost_key_checking = False\nlocal_tmp = {self.directory}/ansible\n"
                       f"remote_tmp = {self.directory}/ansible-remote\nforks = 50\n"
                       f"interpreter_python = {PYTHON}\n"
                       f"[ssh_connection]\npipelining = True\ncontrol_path_dir = {self.directory}/cp\n"
                       f"ssh_args = -F {self.config} -C -o ControlMaster=auto -o ControlPersist=60s\n")
        self.environment.update({
            "PDSH_RCMD_TYPE": "ssh", "PDSH_SSH_ARGS_APPEND": f"-F {self.config}", "CLUSTERSHELL_CFGDIR": self.directory,
            "ANSIBLE_CONFIG": f"{self.directory}/ansible.cfg"})
        # Mitogen takes a path to ssh, not a configuration.
        with open(f"{self.directory}/ssh", "w", encoding="ascii") as file:
            file.write(f'#!/bin/sh\nexec /usr/bin/ssh -F {self.config} "$@"\n')
        os.chmod(f"{self.directory}/ssh", 0o700)

    def run(self, argv, **options):
        return timed(argv, self.environment, **options)

    def _ssh_works(self, config):
        ssh = ["ssh", "-F", config, "127.0.0.1"]
        big = ["/usr/bin/head", "-c", str(self.data.file_bytes), "/dev/zero"]
        return {
            "exec": lambda count: [self.run(ssh + ["/bin/true"]) for _ in range(count)],
            "output-big": lambda count: [self.run(ssh + big, output_bytes=self.data.file_bytes) for _ in range(count)],
            "output": lambda count: [self.run(ssh + OUTPUT_COMMAND, output_bytes=OUTPUT_BYTES) for _ in range(count)]}

    def _mux_peer(self):
        self.master = self.scope.start(["ssh", "-F", self.mux_config, "-N", "-o", "ControlMaster=yes", "127.0.0.1"],
                                       stdin=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while not os.path.exists(f"{self.directory}/127.0.0.1.sock"):
            if time.monotonic() > until:
                raise Failed("no ssh master connection within 10 s")
            time.sleep(0.01)
        return Peer("ssh with ControlMaster", self._ssh_works(self.mux_config))

    def _copiers(self):
        data, here = self.data, f"127.0.0.1:{self.data.file}"
        scp = ["scp", "-q", "-F", self.config]
        rsync = ["rsync", "-a", "--whole-file", "-e", f"ssh -F {self.config}"]

        def sftp(line):
            batch = f"{self.directory}/batch"
            with open(batch, "w", encoding="ascii") as file:
                file.write(line + "\n")
            return self.run(["sftp", "-q", "-F", self.config, "-b", batch, "127.0.0.1"])

        def tar(line):
            return self.run(["sh", "-c", line])

        ssh = f"ssh -F {self.config} 127.0.0.1"
        return [
            Peer("scp", {
                "push-file": data.files(lambda to: self.run(scp + [data.file, f"127.0.0.1:{to}"])),
                "pull-file": data.files(lambda to: self.run(scp + [here, to])),
                "push-tree": data.trees(lambda to: self.run(scp + ["-r", data.tree, f"127.0.0.1:{to}"])),
                "pull-tree": data.trees(lambda to: self.run(scp + ["-r", f"127.0.0.1:{data.tree}", to]))}),
            Peer("rsync over ssh", {
                "push-file": data.files(lambda to: self.run(rsync + [data.file, f"127.0.0.1:{to}"])),
                "pull-file": data.files(lambda to: self.run(rsync + [here, to])),
                "push-tree": data.trees(lambda to: self.run(rsync + [data.tree + "/", f"127.0.0.1:{to}"])),
                "pull-tree": data.trees(lambda to: self.run(rsync + [f"127.0.0.1:{data.tree}/", to]))}),
            Peer("sftp", {
                "push-file": data.files(lambda to: sftp(f"put {data.file} {to}")),
                "pull-file": data.files(lambda to: sftp(f"get {data.file} {to}")),
                "push-tree": data.trees(lambda to: sftp(f"put -r {data.tree} {to}")),
                "pull-tree": data.trees(lambda to: sftp(f"get -r {data.tree} {to}"))}),
            Peer("tar over ssh", {
                "push-tree": data.trees(lambda to: tar(f"tar c -C {data.tree} . | {ssh} 'mkdir {to} && tar x -C {to}'")),
                "pull-tree": data.trees(lambda to: tar(f"mkdir {to}; {ssh} tar c -C {data.tree} . | tar x -C {to}"))}),
        ]

    def _fan_outs(self):
        def pdsh(nodes):
            return ["pdsh", "-S", "-f", "64", "-w", ranges(nodes), "/bin/true"]

        def clush(nodes):
            return ["clush", "-S", "-q", "-f", "64", "-w", ranges(nodes), "/bin/true"]

        def ansible(nodes):
            return ["ansible", "all", "-i", ",".join(addresses(nodes)) + ",", "-o", "-m", "command", "-a", "/bin/true"]

        def peer(name, command, nodes_most):
            works = {"exec": lambda count: [self.run(command(1)) for _ in range(count)]}
            for nodes in (10, 100, 1000):
                if nodes <= nodes_most:
                    works[f"fan-out-{nodes}"] = lambda count, nodes=nodes: [self.run(command(nodes))
                                                                            for _ in range(count)]
            return Peer(name, works)

        def quarter(name, command):
            """They take more than a minute for 1 000 nodes, in proportion to their number: 250 stand for them."""
            return Peer(f"{name}, 250 nodes × 4", {
                "fan-out-1000": lambda count: [4 * self.run(command(250)) for _ in range(count)]})

        # Ansible needs more than three minutes for 1 000.
        return [peer("pdsh", pdsh, 100), quarter("pdsh", pdsh), peer("clush", clush, 100), quarter("clush", clush),
                peer("Ansible", ansible, 100)]

    def four_nodes(self):
        """From nothing (but keys and configurations) to the answer of a command from four daemons."""
        ports = [self.port + 1 + index for index in range(4)]
        scope = Scope()
        begin = time.monotonic()
        try:
            for port in ports:
                self.start_daemon(port, scope)
            for port in ports:
                await_port(port)
            clients = [scope.start(["ssh", "-F", self.config, "-p", port, "127.0.0.1", "/bin/true"]) for port in ports]
            if any(client.wait(30) != 0 for client in clients):
                raise Failed("ssh to one of four daemons failed")
            return time.monotonic() - begin
        finally:
            scope.stop()


class Mitogen:
    def __init__(self, scope, ssh):
        argv = [PYTHON, os.path.join(HERE, "mitogen_worker.py"), f"{ssh.directory}/ssh", "127.0.0.1", ssh.port,
                f"{ssh.directory}/user_key"]
        worker = Worker(scope, argv, env=ssh.environment)
        worker.read(30)
        self.peers = [Peer("Mitogen", {work: (lambda count, work=work: worker.times(f"{work} {count}"))
                                       for work in ("ping", "exec", "output")})]
