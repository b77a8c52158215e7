"""rpyc as a peer: a service in a process of its own, and a worker that calls it.
   rpyc_worker.py serve | rpyc_worker.py call PORT"""
import json
import os
import subprocess
import sys
import time

import rpyc
from rpyc.utils.server import ThreadedServer

CHUNK_BYTES = 1 << 20


class Service(rpyc.Service):
    def exposed_nothing(self):
        pass

    def exposed_run(self, argv):
        done = subprocess.run(list(argv), capture_output=True, check=False)
        return done.returncode, done.stdout

    def exposed_put(self, path, offset, chunk):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "r+b" if offset else "wb") as file:
            file.seek(offset)
            file.write(chunk)

    def exposed_get(self, path, offset):
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read(CHUNK_BYTES)

    def exposed_list(self, top):
        return tuple(os.path.relpath(os.path.join(at, name), top) for at, _, names in os.walk(top) for name in names)


def put(root, source, target):
    with open(source, "rb") as file:
        offset = 0
        while (chunk := file.read(CHUNK_BYTES)) or offset == 0:
            root.put(target, offset, chunk)
            offset += len(chunk)
            if len(chunk) < CHUNK_BYTES:
                return


def get(root, source, target):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        while chunk := root.get(source, file.tell()):
            file.write(chunk)


def times(count, call):
    found = []
    for _ in range(count):
        begin = time.monotonic()
        call()
        found.append((time.monotonic() - begin) * 1e6)
    return {"us": found}


def seconds(call):
    return {"seconds": times(1, call)["us"][0] / 1e6}


def push_tree(root, source, target):
    for at, _, names in os.walk(source):
        for name in names:
            path = os.path.join(at, name)
            put(root, path, os.path.join(target, os.path.relpath(path, source)))


def pull_tree(root, source, target):
    for name in root.list(source):
        get(root, os.path.join(source, name), os.path.join(target, name))


def call(port):
    root = rpyc.connect("127.0.0.1", port, config={"sync_request_timeout": 300}).root
    handlers = {
        "ping": lambda count: times(int(count), root.nothing),
        "exec": lambda count: times(int(count), lambda: root.run(("/bin/true",))),
        "output": lambda count: times(int(count), lambda: root.run(("/usr/bin/head", "-c", "1048576", "/dev/zero"))),
        "push-tree": lambda source, target: seconds(lambda: push_tree(root, source, target)),
        "pull-tree": lambda source, target: seconds(lambda: pull_tree(root, source, target)),
    }
    for line in sys.stdin:
        work, *arguments = line.split()
        print(json.dumps(handlers[work](*arguments)), flush=True)


def main():
    if sys.argv[1] == "serve":
        server = ThreadedServer(Service, hostname="127.0.0.1", port=0)
        print(json.dumps({"port": server.port}), flush=True)
        server.start()
    else:
        call(int(sys.argv[2]))


main()
