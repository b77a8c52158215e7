"""Prepares the place of the comparison: packages, namespaces of its own, and a description of the machine."""
import os
import pathlib
import platform
import resource
import subprocess
import sys
import tempfile

PACKAGES = ["openssh-server", "openssh-client", "python3-rpyc", "python3-mitogen", "pdsh", "clustershell",
            "ansible-core", "rsync", "iproute2"]


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def install():
    missing = [package for package in PACKAGES if "ok installed" not in subprocess.run(
        ["dpkg-query", "-W", "-f=${Status}", package], capture_output=True, text=True, check=False).stdout]
    if not missing:
        return
    say(f"installing {' '.join(missing)}")
    # The host's own daemons stay stopped: what runs here are copies with their own configuration.
    policy = pathlib.Path("/usr/sbin/policy-rc.d")
    made = not policy.exists()
    if made:
        policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
        policy.chmod(0o755)
    try:
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], check=True,
                       stdout=subprocess.DEVNULL, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    finally:
        if made:
            policy.unlink()


def enter_namespaces(script):
    """Runs `script` again where only loopback exists and where everything ends with it."""
    if os.environ.get("MUSTER_BENCH_INSIDE"):
        return
    argv = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable,
            os.path.abspath(script), *sys.argv[1:]]
    os.execvpe(argv[0], argv, {**os.environ, "MUSTER_BENCH_INSIDE": "1"})


def prepare_namespaces():
    # A thousand connections, and a thousand of everything that a peer opens for each.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    directory = tempfile.mkdtemp(prefix="muster-bench-", dir="/tmp")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700", "bench", directory], check=True)
    # sshd wants this one directory; a tmpfs of our own keeps it off the host.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "bench", "/run"], check=True)
    os.makedirs("/run/sshd")
    give_root_another_home(directory)
    return directory


def give_root_another_home(directory):
    """Root's home must neither slow the peers' shells down nor be touched by them."""
    with open("/etc/passwd", encoding="utf-8") as file:
        lines = [f"root:x:0:0:root:{directory}:/bin/sh\n" if line.startswith("root:") else line for line in file]
    with open(f"{directory}/passwd", "w", encoding="utf-8") as file:
        file.writelines(lines)
    os.chmod(f"{directory}/passwd", 0o644)
    subprocess.run(["mount", "--bind", f"{directory}/passwd", "/etc/passwd"], check=True)


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpus:
        models = [line.split(":", 1)[1].strip() for line in cpus if line.startswith("model name")]
    with open("/etc/os-release", encoding="utf-8") as release:
        name = dict(line.rstrip().split("=", 1) for line in release if "=" in line)["PRETTY_NAME"].strip('"')
    return {"cpu": models[0] if models else "?", "cpus": os.cpu_count(), "system": name, "kernel": platform.release(),
            "load_before": os.getloadavg()[0],
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)}


def versions():
    packages = [*PACKAGES, "libgrpc++1.51", "libcapnp-0.9.2", "libssl3"]
    listed = subprocess.run(["dpkg-query", "-W", "-f=${Package} ${Version}\n", *packages], capture_output=True,
                            text=True, check=False).stdout
    return dict(line.split() for line in listed.splitlines() if len(line.split()) == 2)
