// Reads directories, parts of files, digests, links and free space. Nothing here changes anything,
// and nothing waits for another process: fifos, sockets and devices are refused before they are
// opened.
//
// Every call blocks, so it belongs on a worker thread. Failures are those of support::fail, with
// errno.
#pragma once

#include <kj/array.h>
#include <kj/io.h>
#include <kj/string.h>

#include "nodeagent/file/metadata.h"
#include "schema/support/base/sha256.h"

namespace nodeagent::file {

constexpr uint32_t kChunkBytesMax = 1 << 20;
constexpr uint32_t kEntriesMax = 1000;

// Opens a regular file for reading. Fails for anything else with kind invalid and a text that says
// what it is. The last link is followed.
kj::AutoCloseFd openRegular(kj::StringPtr path);

// Opens a name in an open directory in the same way, but does not follow its link.
kj::AutoCloseFd openRegularAt(int directory, kj::StringPtr name);

// Opens a directory for reading its entries; its last link is not followed.
kj::AutoCloseFd openDirectory(kj::StringPtr path);

struct ReadResult {
  kj::Array<kj::byte> data;
  // The check sum of `data`.
  uint32_t crc32c = 0;
  uint64_t size = 0;
  FileVersion version;
};

// Reads at most `bytesMax` bytes (and kChunkBytesMax) from `offset`; fewer only at the end of the
// file.
ReadResult readChunk(kj::StringPtr path, uint64_t offset, uint32_t bytesMax);

// Fills `buffer` from `offset` as far as the file goes. Returns the number of bytes read.
size_t readFully(int descriptor, uint64_t offset, kj::ArrayPtr<kj::byte> buffer,
                 kj::StringPtr path);

// Says what a digest is of; schema/file.capnp defines both.
enum class DigestKind { kContent, kBlocks };

struct DigestResult {
  support::Digest sha256 = {};
  uint64_t size = 0;
};

// Computes the digest of the bytes that a reader would get. Fails with kind timeout after ten
// minutes, because some files never end.
DigestResult digest(kj::StringPtr path, DigestKind kind = DigestKind::kContent);

struct Extent {
  uint64_t offset = 0;
  uint64_t size = 0;
};

struct ExtentsResult {
  kj::Array<Extent> extents;
  bool more = false;
  uint64_t size = 0;
  FileVersion version;
};

// Tells where a regular file has data at or behind `offset`; the rest are holes. extentsMax 0 means
// kEntriesMax. A file system that cannot tell gives one extent of the whole file.
ExtentsResult extents(kj::StringPtr path, uint64_t offset, uint32_t extentsMax);

struct Entry {
  kj::String name;
  FileStat stat;
};

struct ListResult {
  kj::Array<Entry> entries;
  bool more = false;
};

// Lists entries in byte order of their names, from the first behind `after`, which need not exist.
// entriesMax 0 means kEntriesMax.
ListResult list(kj::StringPtr path, kj::StringPtr after, uint32_t entriesMax);

// Returns the names in an open directory, without "." and "..", in byte order. Takes the
// descriptor.
kj::Array<kj::String> sortedNames(kj::AutoCloseFd directory, kj::StringPtr path);

kj::String readLink(kj::StringPtr path);
kj::String readLinkAt(int directory, kj::StringPtr name);

struct Space {
  uint64_t totalBytes = 0;
  uint64_t availableBytes = 0;
  uint64_t totalInodes = 0;
  uint64_t availableInodes = 0;
};

Space space(kj::StringPtr path);

}  // namespace nodeagent::file
