@0x9338e70e165706f9;
# Waits on the node for what other programs make true, and asks web servers from there.
#
# Hosts are numeric addresses, or names that the node itself resolves. An empty host is 127.0.0.1.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";

interface Waits $Common.least(operator) {
  await @0 (condition :Condition, waitNs :Int64) -> (holds :Bool, seen :Text, error :Common.Error);
  # Looks at once and then about every 20 ms, less often where a look is costly. Answers as soon as the condition holds,
  # or after `waitNs` (at most 20 s) that it does not. `seen` is what the last look saw, such as "connection refused".
  # Errors: invalid, overloaded (64 waits are under way), unsupported (a URL with https).

  get @1 (url :Text, headers :List(Header), deadlineNs :Int64)
      -> (status :UInt16, headers :List(Header), body :Data, error :Common.Error);
  # Sends an HTTP/1.1 GET and answers the response, whatever its status; redirects are not followed. deadlineNs is
  # positive and at most 20 s. At most 32 headers, of 8 KiB together; Host and Connection are the agent's own. Errors:
  # invalid, unsupported (https), system (no connection, or what came back is not HTTP), timeout, overloaded (the
  # response has more than 64 KiB of headers or 2 MiB of body).

  struct Header {
    name @0 :Text;
    value @1 :Data;
  }
}

struct Condition {
  absent @0 :Bool;
  # The contrary is waited for: the port is closed, the file is gone, the server answers with another status. If a look
  # fails with anything else than ECONNREFUSED, ENOENT or ENOTDIR, neither the condition nor its contrary holds.

  union {
    unspecified @1 :Void;
    port @2 :Port;         # A TCP connection to it is accepted.
    socket @3 :Data;       # The path of a unix stream socket, at most 107 bytes, which accepts a connection.
    file @4 :Data;         # There is something at this path.
    http @5 :Http;
    process @6 :Text;      # A process of this name runs. The kernel keeps 15 bytes of a name, so more do not count.
    mount @7 :Data;        # A file system is mounted at this path.
  }

  struct Port {
    host @0 :Text;
    number @1 :UInt16;
  }
  struct Http {
    url @0 :Text;          # http://HOST[:PORT][/PATH]
    status @1 :UInt16;     # 0: any status from 200 to 299.
  }
}
