"""Mitogen as a peer: one connection by ssh, then function calls on it.
   mitogen_worker.py SSH_PATH HOST PORT IDENTITY_FILE"""
import json
import subprocess
import sys
import time

import mitogen.master
import mitogen.utils


def nothing():
    pass


def run(argv):
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, _ = process.communicate()
    return process.returncode, output


def times(count, call):
    found = []
    for _ in range(count):
        begin = time.monotonic()
        call()
        found.append((time.monotonic() - begin) * 1e6)
    return {"us": found}


@mitogen.main()
def main(router):
    ssh_path, host, port, identity = sys.argv[1:5]
    context = router.ssh(hostname=host, port=int(port), identity_file=identity, check_host_keys="ignore",
                         ssh_path=ssh_path, python_path="/usr/bin/python3")
    handlers = {
        "ping": lambda: context.call(nothing),
        "exec": lambda: context.call(run, ["/bin/true"]),
        "output": lambda: context.call(run, ["/usr/bin/head", "-c", "1048576", "/dev/zero"]),
    }
    context.call(nothing)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        work, count = line.split()
        print(json.dumps(times(int(count), handlers[work])), flush=True)
