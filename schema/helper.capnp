@0x86c70b723fe286d1;
# Keeps helper programs on the node, each once, under the digest of its content. The caller uploads them by Files, and
# starts them by Jobs.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";

interface Helpers $Common.least(operator) {
  locate @0 (sha256 :Data, size :UInt64) -> (path :Data, present :Bool, error :Common.Error);
  # Answers the path of the helper with this digest of 32 bytes, and whether it is there with that content. A file that
  # has another content is removed. If it is not there, helpers that were unused for the longest time are removed until
  # there is space for `size` bytes. Errors: invalid (the digest's or the helper's size), unsupported (no file system of
  # the agent lets programs run), system.
}
