@0xf6d9283847d49649;
using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";
interface FileView {
  stat @0 (path :Data, links :Links) -> (stat :Stat, error :Common.Error);
  list @1 (path :Data, after :Data, entriesMax :UInt32) -> (entries :List(Entry), more :Bool, error :Common.Error);
  read @2 (path :Data, offset :UInt64, bytesMax :UInt32)
      -> (chunk :Common.Chunk, size :UInt64, version :FileVersion, error :Common.Error);
  digest @3 (path :Data) -> (sha256 :Data, size :UInt64, error :Common.Error);
  readLink @4 (path :Data) -> (target :Data, error :Common.Error);
  attributes @5 (path :Data) -> (attributes :List(Attribute), error :Common.Error);
  space @6 (path :Data)
    -> (totalBytes :UInt64, availableBytes :UInt64, totalInodes :UInt64, availableInodes :UInt64, error :Common.Error);
  walk @7 (root :Data, after :Data, entriesMax :UInt32, inlineBytesMax :UInt32)
      -> (entries :List(TreeEntry), more :Bool, error :Common.Error);
}
interface Files extends(FileView) {
  write @0 (path :Data, data :Data, options :WriteOptions) -> (stat :Stat, error :Common.Error);
  append @1 (path :Data, chunk :Common.Chunk) -> (size :UInt64, error :Common.Error);
  beginUpload @2 (uploadId :Data, path :Data, size :UInt64, options :WriteOptions)
      -> (receivedTo :UInt64, error :Common.Error);
  writeUpload @3 (uploadId :Data, chunk :Common.Chunk) -> (receivedTo :UInt64, error :Common.Error);
  finishUpload @4 (uploadId :Data, sha256 :Data) -> (stat :Stat, error :Common.Error);
  abandonUpload @5 (uploadId :Data) -> (error :Common.Error);
  makeDirectory @6 (path :Data, mode :UInt32, parents :Bool, lifetime :Common.Lifetime)
      -> (created :Bool, error :Common.Error);
  remove @7 (path :Data, recursive :Bool) -> (removed :Bool, error :Common.Error);
  rename @8 (source :Data, target :Data, replace :Replace) -> (error :Common.Error);
  setMode @9 (path :Data, mode :UInt32) -> (error :Common.Error);
  setOwner @10 (path :Data, user :Text, group :Text, links :Links) -> (error :Common.Error);
  link @11 (path :Data, target :Data, type :LinkType, replace :Replace) -> (error :Common.Error);
  setAttribute @12 (path :Data, attribute :Attribute) -> (error :Common.Error);
  removeAttribute @13 (path :Data, name :Data) -> (error :Common.Error);
  setTimes @14 (path :Data, accessedNs :Int64, modifiedNs :Int64)
      -> (error :Common.Error);
  plant @15 (root :Data, entries :List(TreeEntry), options :WriteOptions) -> (error :Common.Error);
}
enum Links {
  keep @0;
  follow @1;
}
enum LinkType {
  symbolic @0;
  hard @1;
}
enum Replace {
  existing @0;
  never @1;
}
struct WriteOptions {
  mode @0 :UInt32 = 420;
  keepMode @1 :Bool = true;
  user @2 :Text;
  group @3 :Text;
  replace @4 :Replace;
  sync @5 :Bool;
  parents @6 :Bool;
  lifetime @7 :Common.Lifetime = permanent;
  attributes @8 :List(Attribute);
  modifiedNs @9 :Int64;
  sparse @10 :Bool;
}
enum FileType {
  unspecified @0;
  regular @1;
  directory @2;
  symlink @3;
  fifo @4;
  socket @5;
  character @6;
  block @7;
}
struct FileVersion {
  device @0 :UInt64;
  inode @1 :UInt64;
  size @2 :UInt64;
  changedNs @3 :Int64;
}
struct Stat {
  type @0 :FileType;
  mode @1 :UInt32;
  size @2 :UInt64;
  allocatedBytes @3 :UInt64;
  uid @4 :UInt32;
  gid @5 :UInt32;
  user @6 :Text;
  group @7 :Text;
  links @8 :UInt64;
  accessedNs @9 :Int64;
  modifiedNs @10 :Int64;
  changedNs @11 :Int64;
  device @12 :UInt64;
  inode @13 :UInt64;
  specialDevice @14 :UInt64;
}
struct Entry {
  name @0 :Data;
  stat @1 :Stat;
}
struct Attribute {
  name @0 :Data;
  value @1 :Data;
}
struct TreeEntry {
  path @0 :Data;
  stat @1 :Stat;
  target @2 :Data;
  content @3 :Data;
  contentInline @4 :Bool;
  attributes @5 :List(Attribute);
}
