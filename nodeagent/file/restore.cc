#include "nodeagent/file/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <kj/debug.h>

#include "nodeagent/file/change.h"
#include "nodeagent/file/replace.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::file {

using Kind = wire::Error::Kind;

kj::Maybe<Restore> Restore::prepare(kj::StringPtr path, Expected expected, Parents parents) {
  Restore restore;
  restore.expected_ = expected;
  if (parents == Parents::kMade) restore.parents_ = missingParents(path);
  // With a parent missing nothing can be at the path itself.
  if (!restore.parents_.empty()) {
    restore.path_ = kj::str(path);
    return kj::mv(restore);
  }
  Place place = placeOf(path);
  KJ_IF_MAYBE (existing, statusAt(place)) {
    if (S_ISDIR(existing->st_mode) && expected == Expected::kDirectory) return nullptr;
    // A directory is never replaced by a file.
    if (expected == Expected::kFile && !S_ISDIR(existing->st_mode)) {
      restore.backup_ = temporaryName("bak");
    }
  }
  restore.path_ = kj::mv(place.path);
  return kj::mv(restore);
}

void Restore::hold() {
  MadeDirectories made;
  if (!parents_.empty()) made = makeParents(path_);
  Place place = placeOf(path_);
  if (backup_.size() > 0 &&
      ::linkat(place.directory, place.name.cStr(), place.directory, backup_.cStr(), 0) < 0) {
    support::failErrno(errno, "write ", quoted(path_), " for this session: keep the old file as ",
                       quoted(backup_));
  }
  // Only parents that were made here are removed at the end: another process may have made the rest
  // meanwhile.
  parents_.clear();
  for (auto& directory : made.paths()) parents_.add(kj::str(directory));
  made.keep();
}

bool Restore::held() const {
  if (backup_.size() == 0) return true;
  Place place = placeOf(path_);
  struct stat status;
  return ::fstatat(place.directory, backup_.cStr(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

void Restore::removeNew(const Place& place) {
  KJ_IF_MAYBE (status, statusAt(place)) {
    if (S_ISDIR(status->st_mode) != (expected_ == Expected::kDirectory)) {
      support::fail(Kind::CONFLICT, "restore ", quoted(path_), ": ", typeText(status->st_mode),
                    " is there now");
    }
    removeAt(place.directory, place.name, path_,
             expected_ == Expected::kDirectory ? RemoveWhat::kTree : RemoveWhat::kOneName);
  }
}

void Restore::apply() {
  struct stat there;
  bool nothing = ::lstat(path_.cStr(), &there) < 0 && (errno == ENOENT || errno == ENOTDIR);
  if (backup_.size() == 0) {
    // If the parent is gone, there is nothing to remove either.
    if (!nothing) removeNew(placeOf(path_));
  } else {
    Place place = placeOf(path_);
    KJ_IF_MAYBE (now, statusAt(place)) {
      if (S_ISDIR(now->st_mode)) {
        support::fail(Kind::CONFLICT, "restore ", quoted(path_),
                      ": a directory is there now; the old file is ", quoted(backup_),
                      " beside it");
      }
    }
    renameAt(place.directory, backup_, place.directory, place.name, Replace::kExisting,
             {backup_, place.path});
    // rename(2) leaves both names if they are the same file, which means that the change never
    // happened.
    ::unlinkat(place.directory, backup_.cStr(), 0);
  }
  for (size_t i = parents_.size(); i > 0; --i) ::rmdir(parents_[i - 1].cStr());
}

void Restore::discard() {
  if (backup_.size() > 0) {
    Place place = placeOf(path_);
    if (::unlinkat(place.directory, backup_.cStr(), 0) < 0 && errno != ENOENT) {
      support::failErrno(errno, "remove ", quoted(backup_), " beside ", quoted(path_));
    }
  }
  for (size_t i = parents_.size(); i > 0; --i) ::rmdir(parents_[i - 1].cStr());
}

kj::Vector<Restore> prepareRestore(kj::StringPtr path, Restore::Expected expected,
                                   Parents parents) {
  kj::Vector<Restore> restores;
  KJ_IF_MAYBE (restore, Restore::prepare(path, expected, parents)) restores.add(kj::mv(*restore));
  return restores;
}

kj::Vector<Restore> prepareParentRestore(kj::StringPtr path) {
  size_t slash = KJ_ASSERT_NONNULL(path.findLast('/'));
  if (slash == 0) return {};
  return prepareRestore(kj::heapString(path.begin(), slash), Restore::Expected::kDirectory,
                        Parents::kMade);
}

}  // namespace nodeagent::file
