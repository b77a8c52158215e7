// Files of a node: see FilesStub. Whole contents are cut into chunks here, each an ordinary call,
// so that a transfer goes on where it was after the connection was lost.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/rpc/connection.h"
#include "harness/rpc/file/copy_ends.h"
#include "harness/rpc/stubs.h"
#include "schema/file.capnp.h"

namespace harness {

class ControllerNode;
template <typename Value>
class Answer;

// An upload beyond what a test can ask for.
struct UploadOptions {
  muster::WriteOptions write;
  std::string uid;  // For a node that does not know write.user and .group; empty: there are none.
  std::string gid;
  std::map<std::string, std::string> attributes;
  int64_t modifiedNs = 0;  // 0: that of the writing.
  bool sparse = false;     // Blocks of zeros become holes.
};

// Works on the caller's thread; only single calls go to the io thread.
class Files final : public FilesStub {
 public:
  // Borrows `node`.
  explicit Files(ControllerNode& node) : node_(node) {}

  std::optional<muster::FileStat> stat(const std::string& path, muster::SymlinkPolicy links,
                                       SteadyTime until) override;
  std::vector<muster::FileEntry> list(const std::string& path, SteadyTime until) override;
  std::string read(const std::string& path, uint64_t offset, uint64_t bytesMax,
                   SteadyTime until) override;
  std::string digest(const std::string& path, SteadyTime until) override;
  std::string readLink(const std::string& path, SteadyTime until) override;
  std::map<std::string, std::string> attributes(const std::string& path, SteadyTime until) override;
  muster::FileSpace space(const std::string& path, SteadyTime until) override;
  void write(const std::string& path, const std::string& content,
             const muster::WriteOptions& options, SteadyTime until) override;
  void append(const std::string& path, const std::string& content, SteadyTime until) override;
  bool makeDirectory(const std::string& path, uint32_t mode, muster::Undo undo,
                     SteadyTime until) override;
  bool remove(const std::string& path, bool recursive, SteadyTime until) override;
  void rename(const std::string& source, const std::string& target, muster::Existing existing,
              SteadyTime until) override;
  void setMode(const std::string& path, uint32_t mode, SteadyTime until) override;
  void setOwner(const std::string& path, const std::string& user, const std::string& group,
                muster::SymlinkPolicy links, SteadyTime until) override;
  void link(const std::string& path, const std::string& target, bool hard,
            muster::Existing existing, SteadyTime until) override;
  void setAttribute(const std::string& path, const std::string& name, const std::string& value,
                    SteadyTime until) override;
  void removeAttribute(const std::string& path, const std::string& name, SteadyTime until) override;
  void setTimes(const std::string& path, int64_t accessedNs, int64_t modifiedNs,
                SteadyTime until) override;
  muster::TransferResult push(const std::string& local, const std::string& remote,
                              const muster::WriteOptions& options, SteadyTime until) override;
  muster::TransferResult pull(const std::string& remote, const std::string& local,
                              SteadyTime until) override;
  muster::TransferResult pushTree(const std::string& local, const std::string& remote,
                                  const muster::WriteOptions& options, SteadyTime until) override;
  muster::TransferResult pullTree(const std::string& remote, const std::string& local,
                                  SteadyTime until) override;

  // For the sides of a copy.

  struct Part {
    std::string bytes;
    uint64_t size = 0;    // Of the file. 0: it has none, or is empty.
    std::string version;  // Compares equal as long as the file was not changed.
  };
  struct TreePage {
    std::vector<TreeItem> items;
    bool more = false;
  };

  const std::string& nodeName() const;
  Part readPart(const std::string& path, uint64_t offset, uint64_t bytesMax, SteadyTime until);
  Answer<Part> beginRead(const std::string& path, uint64_t offset, uint64_t bytesMax,
                         SteadyTime until);
  Answer<std::string> beginDigest(const std::string& path, SteadyTime until);
  TreePage walkPage(const std::string& root, const std::string& after, SteadyTime until);
  Answer<bool> beginPlant(const std::string& root, std::vector<TreeItem> items,
                          const muster::WriteOptions& options, SteadyTime until);

  // Returns the hexadecimal digest.
  std::string upload(const std::string& path, uint64_t size, const FileFeed& feed,
                     const UploadOptions& options, SteadyTime until);

 private:
  // One call over the connection, sent again after a loss. `attempt` returns a promise.
  template <typename T>
  T ask(const std::string& operation, SteadyTime until,
        std::function<kj::Promise<T>(EstablishedConnection&)> attempt);

  // Reads up to `bytesMax` bytes in order, checked against a change of the file meanwhile.
  void readAll(const std::string& path, uint64_t offset, uint64_t bytesMax, SteadyTime until,
               const std::function<void(const std::string&)>& sink);

  struct Begun {
    uint64_t receivedTo = 0;
    size_t chunkBytes = 0;  // Of each chunk.
  };
  class Chunks;

  Begun beginUpload(const support::Id& id, const std::string& path, uint64_t size,
                    const UploadOptions& options, SteadyTime until);
  void abandonUpload(const support::Id& id, const std::string& path, SteadyTime until);

  ControllerNode& node_;
};

// schema <-> values; in files.cc.
muster::FileStat readStat(wire::Stat::Reader stat);
void writeOptions(wire::WriteOptions::Builder to, const muster::WriteOptions& from);

}  // namespace harness
