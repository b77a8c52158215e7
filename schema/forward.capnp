@0x947af2c861706a74;
# Carries byte streams between sockets of the node and the controller, over the controller's connection.
#
# Streams go by offset, so that they outlive a loss of that connection: each side sends again what was not acknowledged.
# Streams and listeners belong to the session. An endpoint is text such as "tcp:127.0.0.1:80" or "unix:/run/kvd.sock";
# host names are not resolved.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";

interface Forwards $Common.least(operator) {
  connect @0 (stream :UInt64, target :Text) -> (error :Common.Error);
  # Connects stream `stream` to an endpoint as the node sees it. The number is the caller's choice, from 1 and below
  # 2^63, and is never used again in the session. Sent again, it finds the stream. Errors: invalid, system (the peer
  # refused; errno), notFound (no such unix socket), timeout (no answer within 10 s), overloaded (512 streams are open).

  listen @1 (listener :UInt64, place :Text) -> (bound :Text, error :Common.Error);
  # Listens at a loopback address of the node, or at a unix socket in a directory that others cannot write. Port 0 lets
  # the kernel choose; `bound` has the port. Sent again, it finds the listener. Every user of the node can connect.
  # Errors: invalid, conflict (in use), system, overloaded (64 listeners are open).

  accept @2 (listener :UInt64, after :UInt64, waitNs :Int64) -> (streams :List(UInt64), error :Common.Error);
  # Answers the numbers of accepted streams above `after` in ascending order, as soon as there is one, or none after
  # `waitNs` (at most 20 s). The agent chooses them from 2^63 on. Errors: notFound.

  read @3 (stream :UInt64, from :UInt64, bytesMax :UInt32, waitNs :Int64)
      -> (chunk :Common.Chunk, ended :Bool, error :Common.Error);
  # Answers bytes that the node's socket has sent, from offset `from` on, as soon as there are some, or none after
  # `waitNs` (at most 20 s). Bytes below `from` are forgotten. `ended`: nothing follows the chunk. Errors: notFound,
  # corrupt (the offset is not held), system (the socket failed; errno).

  write @4 (stream :UInt64, chunk :Common.Chunk, end :Bool, waitNs :Int64) -> (acceptedTo :UInt64, error :Common.Error);
  # Offers bytes for the node's socket, by offset. The agent holds the bytes below `acceptedTo` and ignores them when
  # they are sent again; the rest must be sent again (the window is 1 MiB). While the window is full it waits for
  # `waitNs` at most. `end` ends the socket's input after this chunk. Errors: notFound, corrupt (a gap, or a check sum),
  # system (the socket failed; errno).

  close @5 (streams :List(UInt64)) -> (error :Common.Error);
  # Closes streams, both directions. The socket is closed when its peer has all bytes that `write` has taken, and after
  # a minute at the latest; what it sends is dropped. Unknown numbers are ignored.

  closeListener @6 (listener :UInt64) -> (error :Common.Error);
  # Stops listening and closes the streams that were not answered by `accept` yet. An unknown number is ignored.
}
