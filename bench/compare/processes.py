"""Starting, asking, timing and stopping the processes that are compared. Nothing here outlives the Scope it is in."""
import json
import os
import select
import signal
import subprocess
import time


STOP_SECONDS = 30


class Failed(Exception):
    """A peer did not do its work; the text says which and why."""


class Skipped(Failed):
    """This machine cannot have what the work needs."""


class Scope:
    """Everything that was started, so that it can be stopped by pid, the last first."""

    def __init__(self):
        self._processes, self._deferred = [], []

    def defer(self, function):
        """Lets stop() call this before any process is stopped."""
        self._deferred.append(function)

    def start(self, argv, **options):
        process = subprocess.Popen([str(item) for item in argv], **options)
        self._processes.append(process)
        return process

    def stop(self):
        while self._deferred:
            self._deferred.pop()()
        # All are told before any is awaited: a thousand agents end together.
        for process in reversed(self._processes):
            if process.poll() is None:
                process.terminate()
        until = time.monotonic() + STOP_SECONDS
        for process in reversed(self._processes):
            try:
                process.wait(timeout=max(0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()


class Worker:
    """A process that answers each request line with one line of JSON."""

    def __init__(self, scope, argv, **options):
        self.name = os.path.basename(str(argv[-1] if "python" in str(argv[0]) else argv[0]))
        self.process = scope.start(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, **options)
        self._buffer = b""

    def read(self, seconds=120):
        until = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Failed(f"{self.name}: no answer within {seconds} s")
            chunk = os.read(self.process.stdout.fileno(), 1 << 20)
            if not chunk:
                raise Failed(f"{self.name}: ended with status {self.process.wait(timeout=5)}")
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(f"{self.name}: {answer['error']}")
        return answer

    def ask(self, request, seconds=120):
        self.process.stdin.write((request + "\n").encode())
        return self.read(seconds)

    def times(self, request, seconds=120):
        return [one / 1e6 for one in self.ask(request, seconds)["us"]]


def timed(argv, environment, seconds=300, output_bytes=None):
    """Runs a command as cheaply as Python can and returns the elapsed seconds. Reads its output if `output_bytes`, and
    then wants exactly that many."""
    target = os.open("/dev/null", os.O_WRONLY) if output_bytes is None else None
    source = None
    if target is None:
        source, target = os.pipe()
    null = os.open("/dev/null", os.O_RDONLY)
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, target, 1)]
    begin = time.monotonic()
    pid = os.posix_spawnp(argv[0], argv, environment, file_actions=actions)
    os.close(target)
    os.close(null)
    received = 0
    timer = signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.alarm(int(seconds))
    if source is not None:
        while chunk := os.read(source, 1 << 18):
            received += len(chunk)
        os.close(source)
    _, status = os.waitpid(pid, 0)
    elapsed = time.monotonic() - begin
    signal.alarm(0)
    signal.signal(signal.SIGALRM, timer)
    if status != 0:
        raise Failed(f"{' '.join(argv)[:200]}: wait status {status}")
    if output_bytes is not None and received != output_bytes:
        raise Failed(f"{argv[0]}: {received} bytes of output, not {output_bytes}")
    return elapsed


def memory_kib(pid):
    """Resident, proportional and anonymous memory of a process. Proportional: a page that n processes have is counted
    as an n-th in each."""
    found = {}
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        for line in rollup:
            words = line.split()
            if words[0] in ("Rss:", "Pss:", "Anonymous:"):
                found[words[0][:-1].lower()] = int(words[1])
    return found


def forget_peak(pid):
    """Lets peak_kib() begin anew."""
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def peak_kib(pid):
    """The largest resident memory at a time."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def descendants(pid):
    """`pid` and every process below it."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                    parent = int(stat.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry))
    found, queue = [], [pid]
    while queue:
        one = queue.pop()
        found.append(one)
        queue += children.get(one, [])
    return found
