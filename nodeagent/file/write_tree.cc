#include "nodeagent/file/write_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <set>
#include <string>

#include "nodeagent/file/change.h"
#include "nodeagent/file/view.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::file {
namespace {

using Kind = wire::Error::Kind;

// Makes the entries of one tree, and remembers the directories on the way.
class TreeWriter {
 public:
  TreeWriter(kj::StringPtr root, const WriteOptions& options)
      : root_(root), options_(options), owner_(ownerOf(options)) {}

  void open() {
    if (options_.parents) made_ = makeDirectory(root_, 0755, Parents::kMade);
    directory_ = openDirectory(root_);
  }

  // Returns why the entry may not be made here, where that is no failure.
  kj::Maybe<support::Failure> add(const TreeEntry& entry) {
    if (entry.finished) {
      finished_.add(&entry);
      return nullptr;
    }
    if (entry.linkTo.size() > 0) return addHardLink(entry);
    kj::StringPtr name = enter(entry.path);
    mode_t type = entry.stat.status.st_mode & S_IFMT;
    switch (type) {
      case S_IFDIR:
        addDirectory(entry, name);
        return nullptr;
      case S_IFLNK:
        addLink(entry, name);
        return nullptr;
      case S_IFREG:
        addFile(entry, name);
        return nullptr;
      case S_IFIFO:
      case S_IFSOCK:
      case S_IFCHR:
      case S_IFBLK:
        return addSpecial(entry, name);
      default:
        support::fail(Kind::UNSUPPORTED, "write tree: ", quoted(entry.path), ": is ",
                      typeText(type));
    }
  }

  // Sets the times of new directories, innermost first. It comes last, because making an entry
  // changes the time of its directory.
  void finish() {
    for (size_t i = newDirectories_.size(); i > 0; --i) {
      const TreeEntry& entry = *newDirectories_[i - 1];
      kj::StringPtr name = enter(entry.path);
      setTime(entry, name);
    }
    for (auto& entry : finished_) finishDirectory(*entry);
    made_.parents.keep();
  }

 private:
  // Opens the directory of an entry, component by component, so that no link is followed. Returns
  // the entry's name in it.
  kj::StringPtr enter(kj::StringPtr path) {
    size_t slash = path.findLast('/').orDefault(0);
    kj::String parent = kj::heapString(path.begin(), slash);
    if (parent == openPath_ && current_.get() >= 0)
      return slash == 0 ? path : path.slice(slash + 1);
    kj::AutoCloseFd current(openAt(directory_, ".", O_PATH | O_DIRECTORY, 0));
    if (current.get() < 0) support::failErrno(-current.get(), "write tree: ", quoted(path));
    size_t begin = 0;
    while (begin < parent.size()) {
      size_t end = parent.slice(begin).findFirst('/').orDefault(parent.size() - begin) + begin;
      kj::String component = kj::heapString(parent.begin() + begin, end - begin);
      if (options_.parents && ::mkdirat(current, component.cStr(), 0755) == 0) {
        ::fchmodat(current, component.cStr(), 0755, 0);
      }
      int next = openAt(current, component, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
      if (next < 0) {
        support::failErrno(-next, "write tree: ", quoted(path), ": open directory ",
                           quoted(parent));
      }
      current = kj::AutoCloseFd(next);
      begin = end + 1;
    }
    current_ = kj::mv(current);
    openPath_ = kj::mv(parent);
    return slash == 0 ? path : path.slice(slash + 1);
  }

  Place place(const TreeEntry& entry, kj::StringPtr name) {
    kj::AutoCloseFd directory(openAt(current_, ".", O_PATH | O_DIRECTORY, 0));
    if (directory.get() < 0)
      support::failErrno(-directory.get(), "write tree: ", quoted(entry.path));
    return {kj::mv(directory), kj::str(name), join(root_, entry.path)};
  }

  void addDirectory(const TreeEntry& entry, kj::StringPtr name) {
    if (::mkdirat(current_, name.cStr(), 0700) < 0) {
      if (errno != EEXIST) support::failErrno(errno, "write tree: ", quoted(entry.path));
      struct stat status;
      if (::fstatat(current_, name.cStr(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
        support::failErrno(errno, "write tree: ", quoted(entry.path));
      }
      if (S_ISDIR(status.st_mode)) return;
      support::fail(Kind::CONFLICT, "write tree: directory ", quoted(entry.path), ": ",
                    typeText(status.st_mode), " is there");
    }
    setOwnerOf(entry, current_, name);
    if (::fchmodat(current_, name.cStr(), entry.stat.status.st_mode & 07777, 0) < 0) {
      support::failErrno(errno, "write tree: ", quoted(entry.path), ": set mode");
    }
    setAttributes(entry, name);
    newDirectories_.add(&entry);
  }

  void finishDirectory(const TreeEntry& entry) {
    bool isRoot = entry.path.size() == 0;
    kj::StringPtr name = isRoot ? kj::StringPtr(".") : enter(entry.path);
    kj::AutoCloseFd directory(openAt(isRoot ? directory_ : current_, name,
                                     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK, 0));
    if (directory.get() < 0) {
      support::failErrno(-directory.get(), "write tree: finish directory ", quoted(entry.path));
    }
    // The order is that of StagedFile::publish, for the same reasons.
    setOwnerOf(entry, directory, ".");
    if (::fchmod(directory, entry.stat.status.st_mode & 07777) < 0) {
      support::failErrno(errno, "write tree: ", quoted(entry.path), ": set mode");
    }
    setExactAttributes(directory, entry.attributes, entry.path);
    setModified(directory, nullptr, nanoseconds(entry.stat.status.st_mtim), entry.path);
  }

  kj::Maybe<support::Failure> addHardLink(const TreeEntry& entry) {
    kj::StringPtr source = enter(entry.linkTo);
    kj::AutoCloseFd directory(openAt(current_, ".", O_PATH | O_DIRECTORY, 0));
    if (directory.get() < 0)
      support::failErrno(-directory.get(), "write tree: ", quoted(entry.linkTo));
    Place at = place(entry, enter(entry.path));
    int error = makeAt(at, Displaces::kSpecialFiles, options_.replace, notesOf(options_),
                       [&](kj::StringPtr name) {
                         return ::linkat(directory, source.cStr(), at.directory, name.cStr(), 0);
                       });
    // The other name of a device that was left out is not there.
    if (error == ENOENT && isDevice(entry)) return notMade(entry, error);
    if (error != 0) {
      support::failErrno(error, "write tree: link ", quoted(entry.path), " to ",
                         quoted(entry.linkTo));
    }
    return nullptr;
  }

  kj::Maybe<support::Failure> addSpecial(const TreeEntry& entry, kj::StringPtr name) {
    Place at = place(entry, name);
    const struct stat& status = entry.stat.status;
    int error = makeAt(at, Displaces::kSpecialFiles, options_.replace, notesOf(options_),
                       [&](kj::StringPtr made) {
                         return ::mknodat(at.directory, made.cStr(),
                                          (status.st_mode & S_IFMT) | 0600, status.st_rdev);
                       });
    if (error == EEXIST) support::failErrno(error, "write tree: ", quoted(entry.path));
    // A node without the privilege or a file system that has no such files leaves them out.
    if (error != 0) return notMade(entry, error);
    setOwnerOf(entry, current_, name);
    if (::fchmodat(current_, name.cStr(), status.st_mode & 07777, 0) < 0) {
      support::failErrno(errno, "write tree: ", quoted(entry.path), ": set mode");
    }
    setExactAttributesAt(current_, name, entry.attributes, entry.path);
    setTime(entry, name);
    return nullptr;
  }

  static bool isDevice(const TreeEntry& entry) {
    return S_ISCHR(entry.stat.status.st_mode) || S_ISBLK(entry.stat.status.st_mode);
  }

  static support::Failure notMade(const TreeEntry& entry, int error) {
    return {support::kindOfErrno(error), error,
            kj::str(typeText(entry.stat.status.st_mode), ": ", support::errnoText(error))};
  }

  void addLink(const TreeEntry& entry, kj::StringPtr name) {
    linkAt(place(entry, name), entry.target, LinkType::kSymbolic, options_.replace,
           notesOf(options_));
    setOwnerOf(entry, current_, name);
    setAttributes(entry, name);
    setTime(entry, name);
  }

  void addFile(const TreeEntry& entry, kj::StringPtr name) {
    if (!entry.contentInline) {
      support::fail(Kind::INVALID, "write tree: ", quoted(entry.path),
                    ": comes without its content");
    }
    StagedFile staged(Place{kj::mv(current_), kj::str(name), join(root_, entry.path)},
                      notesOf(options_));
    if (entry.sparse) {
      staged.extend(entry.content.size());
      staged.writeSparse(entry.content, 0);
    } else {
      staged.write(entry.content, 0);
    }
    WriteOptions own;
    own.mode = entry.stat.status.st_mode & 07777;
    own.keepMode = false;
    own.replace = options_.replace;
    own.sync = options_.sync;
    own.attributes = KJ_MAP(attribute, entry.attributes) {
      return Attribute{kj::str(attribute.name), kj::heapArray(attribute.value.asPtr())};
    };
    own.exactAttributes = true;
    own.modifiedNs = nanoseconds(entry.stat.status.st_mtim);
    staged.publish(own, {userOf(entry), groupOf(entry)});
    current_ = staged.takeDirectory();
  }

  void setAttributes(const TreeEntry& entry, kj::StringPtr name) {
    for (auto& attribute : entry.attributes) setAttribute(viaDescriptor(current_, name), attribute);
  }

  void setTime(const TreeEntry& entry, kj::StringPtr name) {
    setModified(current_, name.cStr(), nanoseconds(entry.stat.status.st_mtim), entry.path);
  }

  // Returns the owner by name where this node knows the name, because numbers differ between nodes;
  // otherwise by number.
  uid_t userOf(const TreeEntry& entry) {
    if (owner_.user != kUnchangedId) return owner_.user;
    return owners_.userNumber(entry.stat.user).orDefault(entry.stat.status.st_uid);
  }

  gid_t groupOf(const TreeEntry& entry) {
    if (owner_.group != kUnchangedId) return owner_.group;
    return owners_.groupNumber(entry.stat.group).orDefault(entry.stat.status.st_gid);
  }

  void setOwnerOf(const TreeEntry& entry, int directory, kj::StringPtr name) {
    uid_t user = userOf(entry);
    gid_t group = groupOf(entry);
    struct stat status;
    if (::fstatat(directory, name.cStr(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
      support::failErrno(errno, "write tree: ", quoted(entry.path));
    }
    if (status.st_uid == user && status.st_gid == group) return;
    if (::fchownat(directory, name.cStr(), user, group, AT_SYMLINK_NOFOLLOW) < 0) {
      support::failErrno(errno, "write tree: ", quoted(entry.path), ": set owner");
    }
  }

  kj::StringPtr root_;
  const WriteOptions& options_;
  Owner owner_;  // The owner of all entries, where one was asked for.
  OwnerNames owners_;
  MadeDirectory made_;
  kj::AutoCloseFd directory_;
  kj::AutoCloseFd current_;  // The last entry's directory; openPath_ is its path below the root.
  kj::String openPath_;
  kj::Vector<const TreeEntry*> newDirectories_;
  kj::Vector<const TreeEntry*> finished_;
};

}  // namespace

kj::Vector<LeftOut> writeTree(kj::StringPtr root, kj::ArrayPtr<const TreeEntry> entries,
                              const WriteOptions& options) {
  TreeWriter writer(root, options);
  writer.open();
  kj::Vector<LeftOut> leftOut;
  for (uint32_t i = 0; i < entries.size(); ++i) {
    KJ_IF_MAYBE (failure, writer.add(entries[i])) leftOut.add(LeftOut{i, kj::mv(*failure)});
  }
  writer.finish();
  return leftOut;
}

kj::Vector<Restore> prepareRestores(kj::StringPtr root, kj::ArrayPtr<const TreeEntry> entries,
                                    const WriteOptions& options) {
  kj::Vector<Restore> prepared;
  if (options.parents) {
    KJ_IF_MAYBE (restore, Restore::prepare(root, Restore::Expected::kDirectory, Parents::kMade)) {
      // The whole tree is new, so removing it is enough.
      prepared.add(kj::mv(*restore));
      return prepared;
    }
  }
  // Paths of directories that will be new. Entries in them need no restore of their own.
  std::set<std::string> covered;
  for (auto& entry : entries) {
    if (entry.finished) continue;  // It was an entry before, or was there.
    std::string path(entry.path.cStr());
    size_t slash = path.rfind('/');
    bool inNew = slash != std::string::npos && covered.count(path.substr(0, slash)) > 0;
    bool directory = S_ISDIR(entry.stat.status.st_mode);
    if (!inNew) {
      auto expected = directory ? Restore::Expected::kDirectory : Restore::Expected::kFile;
      auto restore = Restore::prepare(join(root, entry.path), expected,
                                      options.parents ? Parents::kMade : Parents::kMustExist);
      if (directory && restore == nullptr) continue;  // It exists, and stays.
      KJ_IF_MAYBE (one, restore) prepared.add(kj::mv(*one));
    }
    if (directory) covered.insert(kj::mv(path));
  }
  // Restores are applied in the reverse order of the changes: files go before the directories that
  // hold them.
  kj::Vector<Restore> newestFirst;
  for (size_t i = prepared.size(); i > 0; --i) newestFirst.add(kj::mv(prepared[i - 1]));
  return newestFirst;
}

}  // namespace nodeagent::file
