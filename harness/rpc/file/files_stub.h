// The files of one node as the rest of the harness reaches them: part of stubs.h, whose banner
// holds here too.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <muster/deadline.h>
#include <muster/file.h>
#include <muster/node.h>

#include "harness/rpc/file/copy.h"

namespace harness {

using muster::SteadyTime;

// Files of a node; the semantics of schema/file.capnp with whole contents instead of chunks.
class FilesStub {
 public:
  virtual ~FilesStub() = default;
  virtual std::optional<muster::FileStat> stat(const std::string& path, muster::SymlinkPolicy links,
                                               SteadyTime until) = 0;
  virtual std::vector<muster::FileEntry> list(const std::string& path, SteadyTime until) = 0;
  virtual std::string read(const std::string& path, uint64_t offset, uint64_t bytesMax,
                           SteadyTime until) = 0;
  virtual std::string digest(const std::string& path, SteadyTime until) = 0;
  virtual std::string readLink(const std::string& path, SteadyTime until) = 0;
  virtual std::map<std::string, std::string> attributes(const std::string& path,
                                                        SteadyTime until) = 0;
  virtual muster::FileSpace space(const std::string& path, SteadyTime until) = 0;
  virtual void write(const std::string& path, const std::string& content,
                     const muster::WriteOptions& options, SteadyTime until) = 0;
  virtual void append(const std::string& path, const std::string& content, SteadyTime until) = 0;
  virtual bool makeDirectory(const std::string& path, uint32_t mode, muster::Undo undo,
                             SteadyTime until) = 0;
  virtual bool remove(const std::string& path, bool recursive, SteadyTime until) = 0;
  virtual void rename(const std::string& source, const std::string& target,
                      muster::Existing existing, SteadyTime until) = 0;
  virtual void setMode(const std::string& path, uint32_t mode, SteadyTime until) = 0;
  virtual void setOwner(const std::string& path, const std::string& user, const std::string& group,
                        muster::SymlinkPolicy links, SteadyTime until) = 0;
  virtual void link(const std::string& path, const std::string& target, bool hard,
                    muster::Existing existing, SteadyTime until) = 0;
  virtual void setAttribute(const std::string& path, const std::string& name,
                            const std::string& value, SteadyTime until) = 0;
  virtual void removeAttribute(const std::string& path, const std::string& name,
                               SteadyTime until) = 0;
  virtual void setTimes(const std::string& path, int64_t accessedNs, int64_t modifiedNs,
                        SteadyTime until) = 0;
  virtual muster::TransferResult push(const std::string& local, const std::string& remote,
                                      const muster::WriteOptions& options, SteadyTime until) = 0;
  virtual muster::TransferResult pull(const std::string& remote, const std::string& local,
                                      SteadyTime until) = 0;
  virtual muster::TransferResult pushTree(const std::string& local, const std::string& remote,
                                          const muster::WriteOptions& options,
                                          SteadyTime until) = 0;
  virtual muster::TransferResult pullTree(const std::string& remote, const std::string& local,
                                          SteadyTime until) = 0;
};

}  // namespace harness
