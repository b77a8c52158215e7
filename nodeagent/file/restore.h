// Remembers the file at a path before a session changes it, and brings it back.
//
// Every call blocks, so it belongs on a worker thread. Failures are those of support::fail, with
// errno.
#pragma once

#include <kj/string.h>
#include <kj/vector.h>

#include "nodeagent/file/path.h"

namespace nodeagent::file {

// One file or directory to bring back. It is a value that holds no descriptor, because one would
// keep a file system from being unmounted.
class Restore {
 public:
  // Says which type of file the change will put there.
  enum class Expected { kFile, kDirectory };

  // Looks at `path` before the change and touches nothing, so that the plan can be noted first.
  // Null if a directory is expected and is there already.
  static kj::Maybe<Restore> prepare(kj::StringPtr path, Expected expected, Parents parents);

  // Gives a file or link that is there a second name beside it, which can bring it back exactly:
  // content, owner, times, attributes and inode. Makes missing parents if prepare() was told to;
  // they are removed again at the end if they are empty.
  void hold();

  // Returns whether apply() finds what it needs. It does not before hold(), nor after apply().
  bool held() const;

  // Puts the old file back. The file that the session put there, or that others put there after it,
  // goes. Fails, naming the obstacle and the place of the old file, if something other than a file
  // is now in place of a file.
  void apply();

  // Removes the second name and the parents that were made, because the change did not happen.
  void discard();

  kj::StringPtr path() const { return path_; }

  // Return one line of text without a line feed, and make the same object from such a line again;
  // null if it is none.
  kj::String record() const;
  static kj::Maybe<Restore> parse(kj::StringPtr record);

 private:
  Restore() = default;
  void removeNew(const Place& place);

  kj::String path_;
  Expected expected_ = Expected::kFile;
  // A name beside the target; empty if nothing was there.
  kj::String backup_;
  kj::Vector<kj::String> parents_;
};

// Returns what Restore::prepare() gives for one path: nothing or one.
kj::Vector<Restore> prepareRestore(kj::StringPtr path, Restore::Expected expected, Parents parents);

// Returns the same for the directory that is to hold `path`, which is made with its parents.
kj::Vector<Restore> prepareParentRestore(kj::StringPtr path);

}  // namespace nodeagent::file
