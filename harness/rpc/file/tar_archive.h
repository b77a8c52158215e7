// One tar file of this machine that takes in files and trees of several nodes at once, each below a
// directory of its own.
//
// The format is pax, with times to the nanosecond, owners by name and number, extended attributes
// as SCHILY.xattr, hard links and holes. A file is fetched into an unnamed file beside the archive,
// compared with its source, and only then appended. So every member of the archive is whole, no
// node waits for the network of another one, and memory holds a piece at a time. The archive has no
// name until it is complete.
//
// Directories come behind what is in them, because nodes alternate: a reader sets the time of a
// directory when it meets the next member outside of it.
#pragma once

#include <locale.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>

#include <muster/transfer_result.h>

#include "harness/rpc/file/copy.h"
#include "harness/rpc/file/copy_ends.h"
#include "harness/rpc/file/staged_file.h"

struct archive;

namespace harness {

class TarArchive {
 public:
  // Begins the archive that is to have the name `path`, compressed by gzip if that ends with ".gz"
  // or ".tgz". Throws NodeError kSystem if its directory cannot be written.
  explicit TarArchive(std::string path);

  // Leaves nothing unless publish() was called.
  ~TarArchive();
  TarArchive(const TarArchive&) = delete;
  TarArchive& operator=(const TarArchive&) = delete;

  // Copies a file or a directory of a node into the archive, as NODE/LAST-NAME-OF-PATH; what is
  // below a path without a last name, such as "/" or "/srv/.", directly into NODE. Of `options`,
  // `what`, `privileges` and `progress` count. Several threads may call it at once.
  //
  // Throws what copy() does. The members that have arrived stay in the archive then.
  muster::TransferResult add(ControllerNode& node, const std::string& path,
                             const CopyOptions& options, muster::SteadyTime until);

  // Returns a target whose members lie below `root`, such as "server1/kvd". It borrows this.
  std::unique_ptr<CopyTarget> below(const std::string& root);

  // Adds NODE.error, a file with that text, for a node of which something is missing.
  void addFailure(const std::string& node, const std::string& text);

  // Ends the archive and gives it its name.
  void publish(muster::IfExists existing = muster::IfExists::kReplace);

 private:
  class Target;

  // Opens an unnamed file beside the archive.
  StagedFile openBeside(mode_t mode) const;

  // Appends a member. `content` writes exactly item.size bytes by write().
  void append(const std::string& name, const TreeItem& item, int staged,
              const std::function<void()>& content);
  void write(const char* bytes, size_t size);
  void writeFrom(int file, uint64_t size);
  void requireWhole() const;
  [[noreturn]] void fail() const;

  const std::string path_;
  std::string name_;
  Fd directory_;
  StagedFile file_;

  // Is the locale in which libarchive takes names as UTF-8. Null: the machine has none.
  std::unique_ptr<std::remove_pointer_t<locale_t>, void (*)(locale_t)> utf8_;

  // Guards the members below.
  std::mutex mutex_;

  // Tells that a member is not whole, which the writer would fill with zeros.
  bool isBroken_ = false;
  std::unique_ptr<::archive, void (*)(::archive*)> writer_;
};

}  // namespace harness
