"""Serves calls of a test: the Python side of a helper (docs/reference/helpers.md).

    #!/usr/bin/env python3
    import muster_helper

    helper = muster_helper.Helper()

    @helper.on
    def add(by):
        ...

    helper.serve()

It is brought to the node together with the helper, and needs Python 3.6 and its standard library
only. Values are None, bool, int of 64 bits, float, str, list and dict by str. Bytes that are not
UTF-8 come as surrogates (PEP 383), and bytes can be returned.
"""
import linecache
import os
import struct
import sys
import threading
import time
import traceback

_PROTOCOL = 1
_FRAME_BYTES_MAX = 16 << 20
_DEPTH_MAX = 64
# The test ends the helper itself, unless it is not there.
_MARGIN_SECONDS = 0.5
_EXIT_STATUS = 124


def _encode(value, depth=0):
    if depth > _DEPTH_MAX:
        raise ValueError("a value has more than 64 levels")
    if value is None:
        return b"n"
    if value is True or value is False:
        return b"T" if value else b"F"
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            raise ValueError("the integer %d does not fit into 64 bits" % value)
        return b"i" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"d" + struct.pack(">d", value)
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    if isinstance(value, (bytes, bytearray)):
        return b"s" + struct.pack(">I", len(value)) + bytes(value)
    if isinstance(value, (list, tuple)):
        parts = [_encode(each, depth + 1) for each in value]
        return b"l" + struct.pack(">I", len(parts)) + b"".join(parts)
    if isinstance(value, dict):
        parts = []
        for name, each in value.items():
            if not isinstance(name, str):
                raise ValueError("a dict has the key %r, which is no str" % (name,))
            name = name.encode("utf-8", "surrogateescape")
            parts.append(struct.pack(">I", len(name)) + name + _encode(each, depth + 1))
        return b"m" + struct.pack(">I", len(parts)) + b"".join(parts)
    raise ValueError("%s cannot cross to the test" % type(value).__name__)


class _Decoder:
    def __init__(self, data):
        self.data = data
        self.place = 0

    def take(self, size):
        part = self.data[self.place:self.place + size]
        if len(part) < size:
            raise ValueError("the value is cut off")
        self.place += size
        return part

    def number(self):
        return struct.unpack(">I", self.take(4))[0]

    def text(self):
        return self.take(self.number()).decode("utf-8", "surrogateescape")

    def value(self):
        kind = self.take(1)
        if kind == b"n":
            return None
        if kind in (b"T", b"F"):
            return kind == b"T"
        if kind == b"i":
            return struct.unpack(">q", self.take(8))[0]
        if kind == b"d":
            return struct.unpack(">d", self.take(8))[0]
        if kind == b"s":
            return self.text()
        if kind == b"l":
            return [self.value() for _ in range(self.number())]
        if kind == b"m":
            result = {}
            for _ in range(self.number()):
                name = self.text()
                result[name] = self.value()
            return result
        raise ValueError("there is no type of value %r" % kind)


class _Watchdog:
    """Ends the program when a call has run beyond its deadline."""

    def __init__(self):
        self.changed = threading.Condition()
        self.name = ""
        self.deadline = None
        self.thread = None

    def begin(self, name, deadline):
        with self.changed:
            self.name, self.deadline = name, deadline + _MARGIN_SECONDS
            self.changed.notify()
        if self.thread is None:
            self.thread = threading.Thread(target=self.watch, daemon=True)
            self.thread.start()

    def end(self):
        with self.changed:
            self.deadline = None
            self.changed.notify()

    def watch(self):
        with self.changed:
            while True:
                if self.deadline is None:
                    self.changed.wait()
                elif time.monotonic() < self.deadline:
                    self.changed.wait(self.deadline - time.monotonic())
                else:
                    text = 'muster_helper: "%s" ran beyond its deadline; the helper ends\n'
                    os.write(2, (text % self.name).encode("utf-8", "surrogateescape"))
                    os._exit(_EXIT_STATUS)


class Helper:
    """Serves functions to the test, one call at a time. There is one in a program."""

    def __init__(self):
        self._functions = {}
        self._deadline = None
        self._watchdog = _Watchdog()
        # From here on, printing cannot disturb the conversation.
        self._input = os.fdopen(os.dup(0), "rb")
        self._output = os.fdopen(os.dup(1), "wb")
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(2, 1)
        os.close(null)

    def on(self, function, name=None):
        """Lets the test call `function` by its name. It is a decorator, too."""
        name = name or function.__name__
        if name in self._functions:
            raise ValueError('there are two functions "%s" of the helper' % name)
        self._functions[name] = function
        return function

    def remaining(self):
        """Returns the seconds that are left for the running call; without a call, 0."""
        return 0 if self._deadline is None else max(0, self._deadline - time.monotonic())

    def serve(self):
        """Serves calls until the test has no more."""
        self._send({"protocol": _PROTOCOL, "functions": sorted(self._functions)})
        while True:
            header = self._input.read(4)
            if len(header) < 4:
                return
            size = struct.unpack(">I", header)[0]
            body = self._input.read(size)
            if len(body) < size:
                return
            self._answer(_Decoder(body).value())

    def _send(self, message):
        body = _encode(message)
        if len(body) > _FRAME_BYTES_MAX:
            raise ValueError("a value is larger than 16 MiB")
        sys.stdout.flush()
        self._output.write(struct.pack(">I", len(body)) + body)
        self._output.flush()

    def _answer(self, request):
        number, name = request["number"], request["function"]
        allowed = request["deadlineNs"] / 1e9
        self._deadline = time.monotonic() + allowed
        self._watchdog.begin(name, self._deadline)
        try:
            try:
                value = self._functions[name](*request["arguments"])
            finally:
                self._watchdog.end()
                self._deadline = None
            self._send({"number": number, "value": value})
        except Exception as error:  # pylint: disable=broad-except
            self._send({"number": number, "error": _describe(error)})


def _describe(error):
    kind = type(error)
    module = "" if kind.__module__ in ("builtins", "__main__") else kind.__module__ + "."
    frames = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in frames if frame.filename != __file__]
    backtrace = []
    for frame in reversed(frames):
        text = "%s at %s:%s" % (frame.name, frame.filename, frame.lineno)
        backtrace.append(text + (": " + frame.line if frame.line else ""))
    return {"type": module + kind.__qualname__, "message": str(error), "backtrace": backtrace}


def _main():
    """Runs the helper whose file and name are the first arguments."""
    path, name = sys.argv[1:3]
    with open(path, encoding="utf-8") as file:
        text = file.read()
    # The file has the name of its content here; tracebacks show the name that the author knows.
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    sys.argv = [name] + sys.argv[3:]
    sys.modules["muster_helper"] = sys.modules["__main__"]
    exec(compile(text, name, "exec"), {"__name__": "__main__", "__file__": path})


if __name__ == "__main__":
    _main()
