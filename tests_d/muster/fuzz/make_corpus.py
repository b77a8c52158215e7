#!/usr/bin/env python3
"""Writes the generated seeds of the fuzz targets below corpus/; files that are not named here stay as they are.

Seeds show a fuzzer the way in. What it found later lies beside them under a name that says what it was.
"""
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus"


def frame(*sizes, fill=b"\0"):
    table = struct.pack("<I", len(sizes) - 1) + b"".join(struct.pack("<I", size) for size in sizes)
    return table + b"\0" * (-len(table) % 8) + fill * (8 * sum(sizes))


def seed(target, name, content):
    directory = CORPUS / target
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def frames():
    # The first byte chooses the limits and the size of the pieces: even ones read as a guarded stream does.
    for mode in (1, 2, 5):
        mode_byte = bytes([mode])
        seed("frame", f"one-{mode}", mode_byte + frame(2))
        seed("frame", f"segments-{mode}", mode_byte + frame(1, 2, 0, 1) + frame(1))
    seed("frame", "count-of-all-ones", b"\x01" + b"\xff" * 8)
    seed("frame", "sizes-of-all-ones", b"\x01" + b"\x01\0\0\0" + b"\xff" * 12)
    seed("frame", "cut", b"\x01" + frame(3)[:-5])
    seed("frame", "bootstrap", b"\x02" + frame(4)[:8] + struct.pack("<IHHQQQ", 0, 1, 1, 8, 0, 0))


def calls():
    # Each message: its kind, then its choices. 0 bootstraps, 2 says hello, 3 to 7 call what that gave.
    seed("rpc", "hello", bytes([1, 0, 2, 1]))
    seed("rpc", "hello-and-calls", bytes([1, 0, 2, 1, 3, 2, 1, 1, 0, 1, 0, 4, 3, 1, 1, 2, 0, 1, 1]) + bytes(range(64)))
    seed("rpc", "never-reads", bytes([0]) + bytes([0, 2, 1]) + bytes([3, 2, 1, 1, 0, 1, 0]) * 20)
    seed("rpc", "finishes", bytes([1, 0, 1, 0, 1, 1, 1, 2, 2, 1]))
    seed("rpc", "any-message", bytes([1, 0, 2, 1]) + bytes([8, 1, 2, 3, 4, 5, 6, 7] * 12))
    seed("rpc", "damaged", bytes([1, 0, 240, 8, 255, 248, 12, 1]))
    seed("session", "hello", bytes([0, 0, 1, 0, 1, 1, 1, 3, 0, 0]))
    seed("session", "two-people", bytes([0, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1]))
    seed("session", "lapse", bytes([0, 0, 1, 0, 1, 1, 1, 4, 255, 1, 0, 1, 1, 0, 3, 1, 1]))
    seed("session", "calls", bytes([0, 0, 1, 0, 1, 1, 1]) + bytes([3, 1, 0, 1, 2, 3, 4, 5] * 10))


def requests():
    seed("job_spec", "defaults", bytes([1]) + bytes(40))
    seed("job_spec", "fields", bytes([1]) + bytes(range(1, 200, 3)))
    seed("job_spec", "raw-struct", bytes([0]) + struct.pack("<HHHH", 0, 0, 7, 13) + bytes(160))
    seed("job_spec", "raw-argv", bytes([0]) + struct.pack("<IHH", 0, 7, 1) + bytes(56) + struct.pack("<II", 1, 14)
         + struct.pack("<II", 1, 42) + b"true\0\0\0\0")
    upload = bytes([0, 1, 0, 1, 10, 1, 0])
    chunk = bytes([1, 1, 10]) + b"0123456789" + bytes([1, 1])
    seed("files", "upload", upload + chunk + bytes([4, 1, 1, 1]))
    seed("files", "upload-gap", upload + bytes([1, 1, 4]) + b"0123" + bytes([0, 7, 1]) + chunk + bytes([4, 1, 1, 0]))
    seed("files", "upload-of-a-session", bytes([0, 1, 3, 1, 10, 1, 1]) + chunk + bytes([4, 1, 1, 1]))
    seed("files", "writes", bytes([5, 0, 3]) + b"abc" + bytes([1, 6, 0, 2]) + b"de" + bytes([1, 11, 0, 0, 0, 10]))
    seed("files", "link-and-tree", bytes([5, 3, 1]) + b"x" + bytes([1, 8, 5, 1, 2, 0, 7, 2, 0, 2, 1, 1, 1, 3, 1, 1]))
    seed("files", "paths", bytes([9, 5]) + b"/a/.." + bytes([9, 4]) + b"a/./b")


def texts():
    good = "listen: tls:0.0.0.0:7411\ntls:\n  authority: /a\n  certificate: /b\n  key: /c\nlog:\n  level: debug\n"
    # Words of the command line, variables of the environment, a duration; then the file.
    seed("agent_config", "good", b"\0\1\1\0" + good.encode())
    seed("agent_config", "plain", b"\0\1\1\0listen: [tcp:0.0.0.0:1, 'tcp:[::]:1', 'unix:/x']\n")
    seed("agent_config", "unknown-key", b"\0\1\1\0lissten: x\n")
    seed("agent_config", "duplicate-key", b"\0\1\1\0node: a\nnode: b\n")
    seed("agent_config", "anchors", b"\0\1\1\0a: &a [1,1]\nb: [*a,*a]\n")
    seed("agent_config", "command-line", bytes([1, 0, 1, 16, 1, 1, 0]) + good.encode())
    cluster = "name: demo\nprovisioner: local\nnodes:\n  server[1-3]:\n    role: server\n    labels: {rack: a}\n"
    seed("cluster_file", "local", b"\0" + cluster.encode())
    seed("cluster_file", "static", b"\0provisioner: static\nnodes:\n  a[1-2]: {address: 'tcp:127.0.0.[2-3]:7411'}\n")
    seed("cluster_file", "boot", b"\0" + cluster.encode() + b"boot:\n  '@server': [glusterd]\n")
    seed("cluster_file", "set-steps", b"\1n[01-10/3],m[1-2]k[1-3]")
    seed("cluster_file", "set-operators", b"\1a[1-9]!a[2-4]&@x^b")
    seed("cluster_file", "set-many", b"\1a[1-99][1-99][1-99]")
    seed("state", "file", b"\0file 2f746d702f61 2e6d7573746572 2f746d70")
    seed("state", "new-directory", b"\0directory 2f746d702f61 -")
    seed("state", "empty-path", b"\0file  -")
    seed("state", "preamble", b"\1muster-1" + struct.pack("<HHHH", 2, 11, 3, 0) + b"operator:ci::1")
    seed("state", "preamble-cut", b"\1muster-1" + struct.pack("<HHHH", 2, 256, 256, 0) + b"operator:ci")
    seed("text", "plain", b"\x0d\x0eplain")
    seed("text", "controls", b"\x70\x05a\n\x1b\x7f\0\xff\x03a\"\\{\"op\":1}\r\n")
    seed("text", "long", b"\x67\x67" + b"\\\"\x01" * 700)
    # A size of cuts, one text, and another.
    seed("writers", "text", b"\x08\xf0\x07\xe2\x82\xac\xf0\x9d\x84\x9e" + "größer \\x1b ]]>\n".encode())
    seed("writers", "not-utf8", b"\x05\xf0\x06\xff\xc0\xaf\xed\xa0\x80" + b"\xe2\x82 \xf4\x90\x80\x80 \xf0\x9d\x84")
    seed("writers", "controls", b"\x0f\xf0\x06\x1b[2J\0\x7f" + b"\xc2\x9b31m \xef\xbf\xbe \xe2\x80\xae \r\n\t\"\\")
    seed("writers", "lines", b"\x1f\x67" + b"line\n" * 60 + b"\xff")
    for name, middle in (("good", [0, 0, 0]), ("cut", [1, 200, 0, 0]), ("changed", [0, 4, 1, 0, 99, 65, 0]),
                         ("noise", [2, 112, 9]), ("other-key", [0, 0, 4, 0, 1, 40, 66])):
        seed("certificates", name, bytes([1] + middle) + bytes([1, 0, 0]))


def replies():
    for choice, name in ((0, "facts"), (1, "service"), (2, "start"), (10, "run"), (3, "stat"), (11, "list"), (19, "read"),
                       (51, "pull"), (35, "write"), (67, "tree")):
        seed("replies", name, bytes([choice, choice, 0, 0]) + bytes(range(1, 120)))
    # A tree with a link upwards, and a file behind it.
    entry_link = bytes([1, 1, 120, 1, 97, 1, 1, 3] + [0] * 14 + [1, 2, 0, 0, 0])
    seed("replies", "tree-link", bytes([67, 67, 0, 0, 1, 2]) + entry_link * 2)


if __name__ == "__main__":
    frames()
    calls()
    requests()
    texts()
    replies()
