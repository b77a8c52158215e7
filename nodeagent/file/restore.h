// What was at a path before a session changed it, and how it comes back.
//
// Blocking; for a worker thread. Failures are those of support::fail, with errno.
#pragma once

#include <kj/string.h>
#include <kj/vector.h>

#include "nodeagent/file/path.h"

namespace nodeagent::file {

// A value that holds no descriptor, because one would keep a file system from being unmounted.
class Restore {
 public:
  enum class Expected { kFile, kDirectory };  // What the change will put there.

  // Looks at `path` before the change, and touches nothing: what is to be done can be noted first.
  // null: a directory is to be there, and is.
  static kj::Maybe<Restore> prepare(kj::StringPtr path, Expected expected, bool parents);

  // Gives a file or link that is there a second name beside it, which brings it back exactly:
  // content, owner, times, attributes and inode. Makes missing parents if prepare() was told to;
  // they are removed again if they are empty then.
  void hold();

  // Whether apply() finds what it needs. Not before hold(), nor after apply().
  bool held() const;

  // Puts back what was there; what the session put there, or others after it, goes. Fails, naming
  // what is in the way and where the old file is, if something else is there now than a file in
  // place of a file.
  void apply();

  // The change did not happen: removes the second name and the parents that were made.
  void discard();

  kj::StringPtr path() const { return path_; }

  // One line of text without a line feed, from which `parse` makes the same again; null: it is
  // none.
  kj::String record() const;
  static kj::Maybe<Restore> parse(kj::StringPtr record);

 private:
  Restore() = default;
  void removeNew(const Place& place);

  kj::String path_;
  Expected expected_ = Expected::kFile;
  kj::String backup_;  // Name beside the target; empty: nothing was there.
  kj::Vector<kj::String> parents_;
};

}  // namespace nodeagent::file
