@0xb44ae5c441d0e6d7;
using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
struct Error {
  kind @0 :Kind;
  errno @1 :Int32;
  text @2 :Text;
  incident @3 :UInt64;
  enum Kind {
    unspecified @0;
    invalid @1;
    notFound @2;
    conflict @3;
    denied @4;
    unsupported @5;
    overloaded @6;
    expired @7;
    system @8;
    corrupt @9;
    versionMismatch @10;
    wrongNode @11;
    timeout @12;
    internal @13;
  }
}
struct Label {
  name @0 :Text;
  value @1 :Text;
}
struct Chunk {
  offset @0 :UInt64;
  data @1 :Data;
  crc32c @2 :UInt32;
}
enum Lifetime {
  session @0;
  permanent @1;
}
