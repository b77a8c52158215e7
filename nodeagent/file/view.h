// Reading: directories, parts of files, digests, links, space. Nothing here changes anything, and
// nothing waits for another process: fifos, sockets and devices are refused before they are opened.
//
// Blocking; for a worker thread. Failures are those of support::fail, with errno.
#pragma once

#include <kj/array.h>
#include <kj/io.h>
#include <kj/string.h>

#include "nodeagent/file/metadata.h"
#include "schema/support/base/sha256.h"

namespace nodeagent::file {

constexpr uint32_t kChunkBytesMax = 1 << 20;
constexpr uint32_t kEntriesMax = 1000;

// Opens a regular file for reading; kind invalid, saying what it is, for anything else. The last
// link is followed.
kj::AutoCloseFd openRegular(kj::StringPtr path);

// The same for a name in an open directory, whose link is not followed.
kj::AutoCloseFd openRegularAt(int directory, kj::StringPtr name);

// Opens a directory for reading its entries; its last link is not followed.
kj::AutoCloseFd openDirectory(kj::StringPtr path);

struct ReadResult {
  kj::Array<kj::byte> data;
  uint32_t crc32c = 0;  // Of `data`.
  uint64_t size = 0;
  FileVersion version;
};

// At most `bytesMax` bytes (and kChunkBytesMax) from `offset`; fewer only at the end of the file.
ReadResult readChunk(kj::StringPtr path, uint64_t offset, uint32_t bytesMax);

// Fills `buffer` from `offset` as far as the file goes; the number of bytes read.
size_t readFully(int descriptor, uint64_t offset, kj::ArrayPtr<kj::byte> buffer,
                 kj::StringPtr path);

struct DigestResult {
  support::Digest sha256 = {};
  uint64_t size = 0;
};

// Of the bytes that a reader would get. Fails with kind timeout after ten minutes: some files never
// end.
DigestResult digest(kj::StringPtr path);

struct Entry {
  kj::String name;
  FileStat stat;
};

struct ListResult {
  kj::Array<Entry> entries;
  bool more = false;
};

// Entries by name, as bytes, from the first behind `after` (which need not exist); entriesMax 0:
// kEntriesMax.
ListResult list(kj::StringPtr path, kj::StringPtr after, uint32_t entriesMax);

// Names in an open directory, without "." and "..", in byte order. Takes the descriptor.
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
