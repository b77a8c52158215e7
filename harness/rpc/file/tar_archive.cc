#include "harness/rpc/file/tar_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <set>
#include <utility>
#include <vector>

#include <muster/node_error.h>

#include "harness/rpc/controller_node.h"
#include "harness/rpc/file/copy_local.h"
#include "harness/rpc/file/send_window.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/file_metadata.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;
using Entry = std::unique_ptr<archive_entry, void (*)(archive_entry*)>;

// More pieces of data between holes than these are not told apart: the list is held in memory.
constexpr size_t kPiecesMax = 100'000;

void freeWriter(::archive* writer) {
  ::archive_write_free(writer);
}

void freeLocale(locale_t locale) {
  ::freelocale(locale);
}

// Makes the thread's locale another one.
class LocaleScope {
 public:
  explicit LocaleScope(locale_t locale)
      : before_(locale == locale_t{} ? locale_t{} : ::uselocale(locale)) {}
  ~LocaleScope() {
    if (before_ != locale_t{}) ::uselocale(before_);
  }
  LocaleScope(const LocaleScope&) = delete;
  LocaleScope& operator=(const LocaleScope&) = delete;

 private:
  locale_t before_;
};

mode_t typeOf(muster::FileType type) {
  switch (type) {
    case muster::FileType::kRegular:
      return AE_IFREG;
    case muster::FileType::kDirectory:
      return AE_IFDIR;
    case muster::FileType::kSymlink:
      return AE_IFLNK;
    default:
      return specialTypeOf(type);
  }
}

Entry entryOf(const std::string& name, const TreeItem& item) {
  Entry entry(::archive_entry_new(), ::archive_entry_free);
  ::archive_entry_copy_pathname(entry.get(), name.c_str());
  ::archive_entry_set_filetype(entry.get(), typeOf(item.type));
  ::archive_entry_set_perm(entry.get(), item.mode & 07777);
  ::archive_entry_set_uid(entry.get(), item.uid);
  ::archive_entry_set_gid(entry.get(), item.gid);
  if (!item.user.empty()) ::archive_entry_copy_uname(entry.get(), item.user.c_str());
  if (!item.group.empty()) ::archive_entry_copy_gname(entry.get(), item.group.c_str());
  timespec modified = support::timespecOf(timeOf(item));
  ::archive_entry_set_mtime(entry.get(), modified.tv_sec, modified.tv_nsec);
  ::archive_entry_set_rdev(entry.get(), item.specialDevice);
  if (item.type == muster::FileType::kSymlink) {
    ::archive_entry_copy_symlink(entry.get(), item.target.c_str());
  }
  bool hasContent = item.type == muster::FileType::kRegular && item.linkTo.empty();
  ::archive_entry_set_size(entry.get(), hasContent ? static_cast<int64_t>(item.size) : 0);
  for (const auto& [attribute, value] : item.attributes) {
    if (!support::isKeptAttribute(attribute)) continue;
    ::archive_entry_xattr_add_entry(entry.get(), attribute.c_str(), value.data(), value.size());
  }
  return entry;
}

// Tells the entry where the staged file has data, if it has holes.
void addPieces(archive_entry* entry, int staged, uint64_t size) {
  auto end = static_cast<off_t>(size);
  size_t pieces = 0;
  for (off_t data = ::lseek(staged, 0, SEEK_DATA); data >= 0 && data < end;) {
    off_t hole = std::min(::lseek(staged, data, SEEK_HOLE), end);
    if (hole <= data) break;
    ::archive_entry_sparse_add_entry(entry, data, hole - data);
    if (++pieces > kPiecesMax) {
      ::archive_entry_sparse_clear(entry);
      return;
    }
    data = ::lseek(staged, hole, SEEK_DATA);
  }
  // All of it is one hole.
  if (pieces == 0 && size > 0) ::archive_entry_sparse_add_entry(entry, end, 0);
}

}  // namespace

// Puts the members of one copy below a directory of the archive.
class TarArchive::Target final : public CopyTarget {
 public:
  Target(TarArchive& archive, std::string root) : archive_(archive), root_(std::move(root)) {}

  void makeRoot(const TreeItem& root) override { directories_.push_back(root); }

  void add(TreeItem item) override {
    if (item.type == muster::FileType::kDirectory) {
      directories_.push_back(std::move(item));
    } else if (item.type == muster::FileType::kSocket) {
      leftOut_.push_back({item.path, "a tar file has no sockets"});
    } else {
      item.size = item.linkTo.empty() ? item.content.size() : 0;
      append(item, -1, [&] { archive_.write(item.content.data(), item.content.size()); });
    }
  }

  std::string addFile(const TreeItem& item, const FileFeed& feed) override {
    StagedFile staged = archive_.openBeside(0600);
    // It is found by its descriptor alone.
    if (!staged.name.empty()) ::unlinkat(archive_.directory_.get(), staged.name.c_str(), 0);
    TransferDigest digest(feed.kind, std::nullopt, item.size);
    TreeItem whole = item;
    while (true) {
      FilePiece piece = feed.next(kChunkBytes);
      if (piece.bytes.empty()) {
        digest.end(piece.offset);
        whole.size = piece.offset;
        break;
      }
      digest.add(piece.offset, piece.bytes);
      write(staged.file.get(), piece);
    }
    if (::ftruncate(staged.file.get(), static_cast<off_t>(whole.size)) != 0) {
      failLocal(archive_.path_);
    }
    feed.check(digest);
    append(whole, staged.file.get(), [&] { archive_.writeFrom(staged.file.get(), whole.size); });
    return digest.content();
  }

  std::vector<LeftOutItem> finish() override {
    for (auto item = directories_.rbegin(); item != directories_.rend(); ++item) {
      append(*item, -1, [] {});
    }
    return std::move(leftOut_);
  }

  void remove(const std::string& path) override {
    throw muster::NodeError(Kind::kInvalid, "", "copy",
                            inQuotes(path) + ": an archive keeps what it has");
  }

 private:
  std::string nameOf(const std::string& path) const {
    return path.empty() ? root_ : root_ + "/" + path;
  }

  void append(const TreeItem& item, int staged, const std::function<void()>& content) {
    TreeItem named = item;
    if (!item.linkTo.empty()) named.linkTo = nameOf(item.linkTo);
    named.content.clear();
    archive_.append(nameOf(item.path), named, staged, content);
  }

  void write(int file, const FilePiece& piece) const {
    for (size_t at = 0; at < piece.bytes.size();) {
      ssize_t count = ::pwrite(file, piece.bytes.data() + at, piece.bytes.size() - at,
                               static_cast<off_t>(piece.offset + at));
      if (count < 0) failLocal(archive_.path_);
      at += static_cast<size_t>(count);
    }
  }

  TarArchive& archive_;
  const std::string root_;
  std::vector<TreeItem> directories_;
  std::vector<LeftOutItem> leftOut_;
};

TarArchive::TarArchive(std::string path)
    : path_(std::move(path)),
      utf8_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", locale_t{}), freeLocale),
      writer_(::archive_write_new(), freeWriter) {
  size_t slash = path_.find_last_of('/');
  name_ = slash == std::string::npos ? path_ : path_.substr(slash + 1);
  std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path_.substr(0, slash);
  directory_ = opened(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), path_);
  struct stat status {};
  bool isDirectory =
      ::fstatat(directory_.get(), name_.c_str(), &status, 0) == 0 && S_ISDIR(status.st_mode);
  if (isDirectory || name_.empty()) {
    errno = EISDIR;
    failLocal(path_);
  }
  requireReplaceable(directory_.get(), name_, path_);
  file_ = openBeside(0666);
  ::archive_write_set_format_pax(writer_.get());
  // The other form of the attributes is read by libarchive alone.
  ::archive_write_set_format_option(writer_.get(), "pax", "xattrheader", "SCHILY");
  if (path_.ends_with(".gz") || path_.ends_with(".tgz")) {
    ::archive_write_add_filter_gzip(writer_.get());
  }
  if (::archive_write_open_fd(writer_.get(), file_.file.get()) != ARCHIVE_OK) fail();
}

TarArchive::~TarArchive() {
  writer_.reset();
  if (!file_.name.empty()) ::unlinkat(directory_.get(), file_.name.c_str(), 0);
}

StagedFile TarArchive::openBeside(mode_t mode) const {
  return openStaged(directory_.get(), mode, path_);
}

muster::TransferResult TarArchive::add(ControllerNode& node, const std::string& path,
                                       const CopyOptions& options, muster::SteadyTime until) {
  std::string name = lastNameOf(path);
  std::string root = node.description().name + (name.empty() ? "" : "/" + name);
  CopyOptions kept = options;
  kept.keep = CopyOptions::Keep::kAll;
  kept.root = CopyOptions::Root::kLikeSource;
  kept.existing = CopyOptions::Existing::kReplaced;
  return copyInto(below(root), {&node, path}, path_, kept, until);
}

std::unique_ptr<CopyTarget> TarArchive::below(const std::string& root) {
  return std::make_unique<Target>(*this, root);
}

void TarArchive::addFailure(const std::string& node, const std::string& text) {
  TreeItem item;
  item.type = muster::FileType::kRegular;
  item.mode = 0644;
  item.modifiedNs = std::chrono::duration_cast<std::chrono::nanoseconds>(
                        std::chrono::system_clock::now().time_since_epoch())
                        .count();
  std::string line = text + "\n";
  item.size = line.size();
  append(node + ".error", item, -1, [&] { write(line.data(), line.size()); });
}

void TarArchive::append(const std::string& name, const TreeItem& item, int staged,
                        const std::function<void()>& content) {
  Entry entry = entryOf(name, item);
  if (!item.linkTo.empty()) ::archive_entry_copy_hardlink(entry.get(), item.linkTo.c_str());
  if (staged >= 0 && item.sparse()) addPieces(entry.get(), staged, item.size);
  std::lock_guard<std::mutex> lock(mutex_);
  requireWhole();
  isBroken_ = true;
  {
    // Names that are no UTF-8 are written as they are, which is a warning.
    LocaleScope utf8(utf8_.get());
    if (::archive_write_header(writer_.get(), entry.get()) < ARCHIVE_WARN) fail();
  }
  content();
  if (::archive_write_finish_entry(writer_.get()) < ARCHIVE_WARN) fail();
  isBroken_ = false;
}

void TarArchive::requireWhole() const {
  if (!isBroken_) return;
  throw muster::NodeError(Kind::kSystem, "", "copy",
                          "local " + inQuotes(path_) + ": a write to it has failed before", EIO);
}

void TarArchive::write(const char* bytes, size_t size) {
  while (size > 0) {
    la_ssize_t count = ::archive_write_data(writer_.get(), bytes, size);
    if (count <= 0) fail();
    bytes += count;
    size -= static_cast<size_t>(count);
  }
}

// Holes are written as the zeros that they read as, which the writer leaves out.
void TarArchive::writeFrom(int file, uint64_t size) {
  std::vector<char> piece(kChunkBytes);
  for (uint64_t at = 0; at < size;) {
    size_t wanted = static_cast<size_t>(std::min<uint64_t>(piece.size(), size - at));
    ssize_t count = ::pread(file, piece.data(), wanted, static_cast<off_t>(at));
    if (count < 0) failLocal(path_);
    if (count == 0) {
      errno = EIO;
      failLocal(path_);
    }
    write(piece.data(), static_cast<size_t>(count));
    at += static_cast<size_t>(count);
  }
}

void TarArchive::fail() const {
  const char* text = ::archive_error_string(writer_.get());
  int number = std::max(::archive_errno(writer_.get()), 0);
  throw muster::NodeError(Kind::kSystem, "", "copy",
                          "local " + inQuotes(path_) + ": " +
                              (text == nullptr ? "the archive cannot be written" : text),
                          number);
}

void TarArchive::publish(muster::IfExists existing) {
  std::lock_guard<std::mutex> lock(mutex_);
  requireWhole();
  if (::archive_write_close(writer_.get()) != ARCHIVE_OK) fail();
  giveTemporaryName(file_, directory_.get(), path_);
  publishStaged(directory_.get(), std::exchange(file_.name, ""), name_, existing, path_);
}

}  // namespace harness
