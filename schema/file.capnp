@0xf6d9283847d49649;
# Reads and changes the node's files, as its root sees them. Reads go by offset and may be repeated. A write replaces
# the target in one step or leaves it as it was.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";

# Paths are Data: absolute, 1 to 4095 bytes, no NUL. ".." is allowed and means what the kernel makes of it. If the
# last component is a symbolic link, it is followed only where a comment says so.
#
# Every method may answer with the errors invalid (the path or a field), notFound, denied and system (with errno:
# ENOSPC, EROFS, …).

interface FileView $Common.least(observer) {
  stat @0 (path :Data, links :SymlinkPolicy) -> (stat :Stat, error :Common.Error);

  list @1 (path :Data, after :Data, entriesMax :UInt32) -> (entries :List(Entry), more :Bool, error :Common.Error);
  # Lists a directory in byte order of the names, from the first name greater than `after` (empty: from the
  # beginning). entriesMax is at most 1000; 0 means 1000. "." and ".." are not listed.

  read @2 (path :Data, offset :UInt64, bytesMax :UInt32)
      -> (chunk :Common.Chunk, size :UInt64, version :FileVersion, error :Common.Error);
  # Reads bytes of a regular file; the last link is followed. There are fewer than bytesMax only at the file's end, or
  # where bytesMax exceeds Limits.chunkBytesMax. Read files without a size, such as those in /proc, until a chunk is
  # empty. `version` differs if the file was changed or replaced between reads; a reader of several chunks compares
  # it.

  digest @3 (path :Data, kind :DigestKind $Common.since(2)) -> (sha256 :Data, size :UInt64, error :Common.Error);
  # Computes the digest of a whole regular file; the last link is followed.

  readLink @4 (path :Data) -> (target :Data, error :Common.Error);

  attributes @5 (path :Data) -> (attributes :List(Attribute), error :Common.Error);
  # Returns all extended attributes with their values, ACLs among them as system.posix_acl_*. Links are not followed.

  space @6 (path :Data)
    -> (totalBytes :UInt64, availableBytes :UInt64, totalInodes :UInt64, availableInodes :UInt64, error :Common.Error);
  # Tells the space of the file system that holds `path`.

  walk @7 (root :Data, after :Data, entriesMax :UInt32, inlineBytesMax :UInt32)
      -> (entries :List(TreeEntry), more :Bool, error :Common.Error);
  # Lists the tree below a directory, parents before children. It begins with the first path behind `after`, which is
  # relative to root and need not exist; empty: with the first of all. A regular file of at most inlineBytesMax bytes
  # brings its content. The walk stays on one file system.

  extents @8 (path :Data, offset :UInt64, extentsMax :UInt32)
      -> (extents :List(Extent), more :Bool, size :UInt64, version :FileVersion, error :Common.Error);
  # Tells where a regular file has data at or behind `offset`, in ascending order; the rest is holes, which read as
  # zeros. extentsMax is at most 1000; 0 means 1000. The last link is followed. A file system that cannot tell gives
  # one extent of the whole file.

  attribute @9 (path :Data, name :Data) -> (found :Bool, value :Data, error :Common.Error);
  # Returns one extended attribute, also one that no list shows. Links are not followed.

  treeDigest @10 (root :Data, what :TreeDigest) -> (sha256 :Data, entries :UInt64, bytes :UInt64, error :Common.Error);
  # Computes one digest of a directory and all below it on its file system. Error timeout after half an hour.
}

struct TreeDigest {
  # What the digest is of, besides the paths, types, targets of links and numbers of devices.
  withoutContent @0 :Bool;
  withoutMode @1 :Bool;
  withoutOwner @2 :Bool;        # By number.
  withoutAttributes @3 :Bool;   # With ACLs, which are attributes.
}

interface Files extends(FileView) $Common.least(operator) {
  write @0 (path :Data, data :Data, options :WriteOptions) -> (stat :Stat, error :Common.Error);
  # Replaces or creates a regular file in one step, with at most Limits.chunkBytesMax bytes. Larger files go by
  # upload.

  append @1 (path :Data, chunk :Common.Chunk) -> (size :UInt64, error :Common.Error);
  # Adds bytes at the end of an existing or new file, which must be chunk.offset bytes long. Sent again, it finds the
  # bytes there and changes nothing. Error corrupt if the size is another and the bytes are not there. An append is
  # not atomic.

  beginUpload @2 (uploadId :Data, path :Data, size :UInt64, options :WriteOptions)
      -> (receivedTo :UInt64, error :Common.Error);
  # Begins an upload, or finds it again. uploadId is 16 random bytes of the caller's choice; `receivedTo` is the
  # offset to go on from. Space for `size` is reserved at once. Error conflict if the id is known with another path or
  # size.

  writeUpload @3 (uploadId :Data, chunk :Common.Chunk, holeBefore :UInt64 $Common.since(2))
      -> (receivedTo :UInt64, error :Common.Error);
  # Sends the next bytes; bytes below receivedTo are ignored. Error corrupt for a gap or a wrong check sum. The
  # holeBefore bytes before the chunk are zeros that are not sent; the chunk may be empty then.

  finishUpload @4 (uploadId :Data, sha256 :Data) -> (stat :Stat, error :Common.Error);
  # Checks size and digest, which is of the kind that the options say, syncs if asked, and renames into place. Asked
  # again, it answers the same. After error corrupt the upload is discarded and the target is as it was.

  abandonUpload @5 (uploadId :Data) -> (error :Common.Error);

  makeDirectory @6 (path :Data, mode :UInt32, parents :Bool, lifetime :Common.Lifetime)
      -> (created :Bool, error :Common.Error);
  # An existing directory is not an error; `created` is false then. Error conflict if something else is there.

  remove @7 (path :Data, recursive :Bool) -> (removed :Bool, error :Common.Error);
  # A path that does not exist is not an error. Recursive removal does not cross file systems and refuses "/".

  rename @8 (source :Data, target :Data, replace :Replace) -> (error :Common.Error);
  # Sent again after it worked, it finds no source and answers notFound; stat of the target tells the caller.

  setMode @9 (path :Data, mode :UInt32) -> (error :Common.Error);                  # Follows links, as chmod(2) does.
  setOwner @10 (path :Data, user :Text, group :Text, links :SymlinkPolicy) -> (error :Common.Error);
  # `user` and `group` are names or decimal ids; empty: unchanged.

  link @11 (path :Data, target :Data, type :LinkType, replace :Replace) -> (error :Common.Error);
  setAttribute @12 (path :Data, attribute :Attribute) -> (error :Common.Error);
  removeAttribute @13 (path :Data, name :Data) -> (error :Common.Error);           # Absent: not an error.
  setTimes @14 (path :Data, accessedNs :Int64, modifiedNs :Int64)
      -> (error :Common.Error);  # The times of a link are its own.

  writeTree @15 (root :Data, entries :List(TreeEntry), options :WriteOptions)
      -> (error :Common.Error, leftOut :List(LeftOut));
  # Makes entries of a tree below `root`, as `walk` returned them: directories, links, files with their inline content,
  # fifos, sockets and devices. Existing directories stay unless the entry is `finished`; what else exists is replaced.
  # Larger files go by upload. `leftOut` names the special files that this node may not make.
}

enum SymlinkPolicy {
  keep @0;     # Concerns the link itself.
  follow @1;   # Concerns the link's target.
}

enum LinkType {
  symbolic @0;
  hard @1;
}

enum Replace {
  existing @0;   # An existing target is replaced, as rename(2) does.
  never @1;      # An existing target is error conflict.
}

struct WriteOptions {
  mode @0 :UInt32 = 420;    # 420 is octal 0644. A replaced file keeps its own mode if keepMode is set.
  keepMode @1 :Bool = true;
  user @2 :Text;            # Name or decimal uid; empty: as the replaced file, or the keeper's.
  group @3 :Text;
  replace @4 :Replace;
  sync @5 :Bool;            # fsync the file and its directory before answering.
  parents @6 :Bool;         # Make missing parent directories, mode 0755.
  lifetime @7 :Common.Lifetime = permanent;   # session: the old file comes back when it ends.
  attributes @8 :List(Attribute);  # Set, ACLs among them, before the file is seen. writeTree ignores them.
  modifiedNs @9 :Int64;            # Its modification time; 0: as `modified` says. writeTree ignores it.
  sparse @10 :Bool;                # For uploads: whole blocks of zeros become holes, and no space is reserved.
  modified :union {                # Its modification time where modifiedNs is 0. writeTree ignores it.
    now @11 :Void;                 # The time of the writing.
    atNs @12 :Int64 $Common.since(2);
  }
  exactAttributes @13 :Bool $Common.since(2);
  # `attributes` are all that the file has; it inherits no ACL from its directory.

  digestKind @14 :DigestKind $Common.since(2);
  # For uploads: what finishUpload compares.

  inPlace @15 :Bool $Common.since(2);
  # The content goes into the existing file, as the shell's ">" writes it: the file keeps its inode, owner, mode, ACL
  # and attributes; a link is followed. Other readers may see a part. For files that no rename reaches: bind mounts,
  # /proc/sys, /sys. Error notFound without a file, invalid with any other option but sync.
}

enum DigestKind {
  content @0;   # The SHA-256 of the content.
  blocks @1 $Common.since(2);
  # Takes time for the data only. The SHA-256 of all blocks of 4096 bytes that are not zeros, in ascending order, each
  # as its offset (64 bits, little endian) and its bytes, the last one filled up with zeros; and of the size at the end
  # (64 bits, little endian).
}

struct Extent {
  offset @0 :UInt64;
  size @1 :UInt64;
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
  changedNs @3 :Int64;   # ctime
}

struct Stat {
  type @0 :FileType;
  mode @1 :UInt32;         # Permission bits with setuid, setgid and sticky.
  size @2 :UInt64;
  allocatedBytes @3 :UInt64;
  uid @4 :UInt32;
  gid @5 :UInt32;
  user @6 :Text;           # Empty: the node knows no name.
  group @7 :Text;
  links @8 :UInt64;
  accessedNs @9 :Int64;
  modifiedNs @10 :Int64;
  changedNs @11 :Int64;
  device @12 :UInt64;
  inode @13 :UInt64;
  specialDevice @14 :UInt64;   # The device that a character or block file stands for.
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
  path @0 :Data;                # Relative to the root, without a leading slash.
  stat @1 :Stat;                # writeTree uses type, mode, user or uid, group or gid, modifiedNs and specialDevice.
  target @2 :Data;              # The target of a symbolic link.
  content @3 :Data;             # The content of a regular file, if contentInline.
  contentInline @4 :Bool;
  attributes @5 :List(Attribute);

  # The rest is for writeTree; `walk` leaves it out.
  linkTo @6 :Data $Common.since(2);
  # The path of an earlier entry that this one is a hard link of. Empty: of none.

  sparse @7 :Bool $Common.since(2);
  # Whole blocks of zeros in `content` become holes.

  finished @8 :Bool $Common.since(2);
  # A directory that is complete, perhaps the root, whose path is empty. It gets mode, owner, exactly these attributes
  # and the time, after all other entries of the call. Such entries come innermost first.
}

struct LeftOut {
  entry @0 :UInt32;             # Its index among the entries.
  error @1 :Common.Error;
}
