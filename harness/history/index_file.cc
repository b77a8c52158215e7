#include "harness/history/index_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "harness/history/index_tables.h"
#include "harness/os/error.h"
#include "harness/os/wait.h"

namespace harness::history {
namespace {

constexpr std::chrono::seconds kLockWaitMost{10};

void lock(const Fd& file, int kind, const std::string& path) {
  bool isLocked = waitUntil(after(kLockWaitMost), [&] {
    if (::flock(file.get(), kind | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK && errno != EINTR) failSystem("lock " + path);
    return false;
  });
  if (isLocked) return;
  throw DatabaseError(DatabaseError::Kind::kBusy,
                      "index " + path + ": another muster has used it for 10 s; try again");
}

void discard(const std::string& path) {
  for (const char* ending : {"", "-wal", "-shm", "-journal"}) {
    std::string file = path + ending;
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) failSystem("remove " + file);
  }
}

// The file is made anew from the records at any time, so that a power cut may cost what was written
// last, and no more.
void configure(Database& database) {
  database.execute(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
      "PRAGMA cache_size = -32768; PRAGMA foreign_keys = OFF;");
}

// 0: there is no such file.
ino_t inodeOf(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

// Returns the database if it can be used as it is.
std::unique_ptr<Database> openUsable(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) return nullptr;
  try {
    auto database = std::make_unique<Database>(path, Database::Access::kReadAndWrite);
    if (!hasTables(*database)) return nullptr;
    configure(*database);
    return database;
  } catch (const DatabaseError& error) {
    if (error.kind() != DatabaseError::Kind::kDamaged) throw;
    return nullptr;
  }
}

}  // namespace

IndexFile::IndexFile(const std::string& runsDirectory) : path_(runsDirectory + "/" + kIndexFile) {
  std::string path = runsDirectory + "/" + kIndexLock;
  lock_ = Fd(static_cast<int>(
      check(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666), "make " + path)));
  open();
}

// Several may find the index unusable at once. The first one makes it anew, and the next ones find
// it usable when they have the lock.
void IndexFile::open() {
  lock(lock_, LOCK_SH, path_);
  database_ = openUsable(path_);
  if (!database_) {
    lock(lock_, LOCK_EX, path_);
    database_ = openUsable(path_);
    if (!database_) makeAnew();
    lock(lock_, LOCK_SH, path_);
  }
  inode_ = inodeOf(path_);
}

void IndexFile::makeAnew() {
  discard(path_);
  database_ = std::make_unique<Database>(path_, Database::Access::kReadAndWrite);
  configure(*database_);
  makeTables(*database_);
}

// While the database is open, no new file can have its inode.
void IndexFile::remake() {
  lock(lock_, LOCK_EX, path_);
  bool isSame = inodeOf(path_) == inode_;
  database_.reset();
  if (isSame) discard(path_);
  open();
}

}  // namespace harness::history
