#include "nodeagent/diagnosis/core_file.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>

#include <kj/io.h>

#include "nodeagent/os/directory.h"

namespace nodeagent::diagnosis {
namespace {

// The notes of a process with many threads and mappings may have MiB; the first ones are enough.
constexpr size_t kNotesBytesMax = 1 << 20;
constexpr size_t kHeadersMax = 64;
constexpr size_t kEntriesMax = 20'000;

#if __x86_64__
constexpr uint16_t kMachine = EM_X86_64;
#elif __aarch64__
constexpr uint16_t kMachine = EM_AARCH64;
#else
constexpr uint16_t kMachine = EM_NONE;
#endif

template <typename Struct>
bool take(std::string_view& bytes, Struct* value) {
  if (bytes.size() < sizeof(Struct)) return false;
  memcpy(value, bytes.data(), sizeof(Struct));
  bytes.remove_prefix(sizeof(Struct));
  return true;
}

std::string_view cut(std::string_view& bytes, size_t size) {
  std::string_view part = bytes.substr(0, size);
  bytes.remove_prefix(std::min(bytes.size(), (size + 3) & ~size_t{3}));
  return part;
}

// Returns the file that is mapped at `address`, by a note of type NT_FILE: a count, the size of a
// page, the ranges, and then the names.
std::string fileAt(std::string_view note, uint64_t address) {
  uint64_t count = 0;
  uint64_t pageBytes = 0;
  if (!take(note, &count) || !take(note, &pageBytes)) return "";
  struct Range {
    uint64_t begin = 0;
    uint64_t end = 0;
    uint64_t offset = 0;
  };
  size_t found = SIZE_MAX;
  if (count > note.size() / sizeof(Range)) return "";
  for (size_t i = 0; i < count; ++i) {
    Range range;
    take(note, &range);
    if (range.begin <= address && address < range.end) found = i;
  }
  for (size_t i = 0; i < count && found != SIZE_MAX; ++i) {
    size_t end = note.find('\0');
    if (end == std::string_view::npos) return "";
    if (i == found) return std::string(note.substr(0, end));
    note.remove_prefix(end + 1);
  }
  return "";
}

uint64_t entryOf(std::string_view note) {
  Elf64_auxv_t item{};
  while (take(note, &item)) {
    if (item.a_type == AT_ENTRY) return item.a_un.a_val;
  }
  return 0;
}

void readNotes(std::string_view notes, CoreFile* core) {
  std::string_view files;
  uint64_t entry = 0;
  Elf64_Nhdr header{};
  while (take(notes, &header)) {
    cut(notes, header.n_namesz);
    std::string_view note = cut(notes, header.n_descsz);
    if (header.n_type == NT_PRSTATUS && core->signal == 0) {
      prstatus_t status{};
      if (take(note, &status)) core->signal = status.pr_cursig;
    } else if (header.n_type == NT_PRPSINFO) {
      prpsinfo_t info{};
      if (!take(note, &info)) continue;
      core->pid = info.pr_pid;
      core->program.assign(info.pr_fname, strnlen(info.pr_fname, sizeof(info.pr_fname)));
    } else if (header.n_type == NT_AUXV) {
      entry = entryOf(note);
    } else if (header.n_type == NT_FILE) {
      files = note;
    }
  }
  if (entry != 0) core->executable = fileAt(files, entry);
}

void addIfCore(const std::string& path, int64_t sinceRealtimeNs, std::vector<CoreFile>* cores) {
  FileTimes times = timesOf(path);
  if (!times.isRegular || times.changedRealtimeNs < sinceRealtimeNs - kStampSlackNs) return;
  if (auto core = readCore(path)) cores->push_back(*std::move(core));
}

void addCoresOf(const std::string& directory, const CorePattern& pattern, int64_t sinceRealtimeNs,
                std::vector<CoreFile>* cores) {
  std::string prefix = directory == "/" ? "/" : directory + "/";
  if (pattern.isPlainName) return addIfCore(prefix + pattern.name, sinceRealtimeNs, cores);
  Directory open(opendir(directory.c_str()));
  if (open == nullptr) return;
  for (size_t i = 0; i < kEntriesMax && cores->size() < kCoresMax; ++i) {
    dirent* entry = readdir(open.get());
    if (entry == nullptr) return;
    if (fnmatch(pattern.name.c_str(), entry->d_name, 0) != 0) continue;
    addIfCore(prefix + entry->d_name, sinceRealtimeNs, cores);
  }
}

}  // namespace

FileTimes timesOf(const std::string& path) {
  struct stat found {};
  FileTimes times;
  if (lstat(path.c_str(), &found) != 0) return times;
  times.isRegular = S_ISREG(found.st_mode);
  times.changedRealtimeNs = found.st_mtim.tv_sec * 1'000'000'000LL + found.st_mtim.tv_nsec;
  times.key =
      path + ":" + std::to_string(found.st_ino) + ":" + std::to_string(times.changedRealtimeNs);
  return times;
}

std::optional<CoreFile> readCore(const std::string& path) {
  // A FIFO of that name must not be waited for.
  kj::AutoCloseFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  Elf64_Ehdr header{};
  bool isCore = fd.get() >= 0 && pread(fd, &header, sizeof(header), 0) == sizeof(header) &&
                memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_type == ET_CORE;
  if (!isCore) return std::nullopt;
  CoreFile core;
  core.path = path;
  core.key = timesOf(path).key;
  bool isOurs = header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_machine == kMachine &&
                header.e_phentsize == sizeof(Elf64_Phdr);
  for (size_t i = 0; isOurs && i < std::min<size_t>(header.e_phnum, kHeadersMax); ++i) {
    Elf64_Phdr part{};
    auto at = static_cast<off_t>(header.e_phoff + i * sizeof(part));
    if (pread(fd, &part, sizeof(part), at) != sizeof(part)) break;
    if (part.p_type != PT_NOTE) continue;
    std::string notes(std::min<uint64_t>(part.p_filesz, kNotesBytesMax), '\0');
    ssize_t count = pread(fd, notes.data(), notes.size(), static_cast<off_t>(part.p_offset));
    if (count > 0) readNotes({notes.data(), static_cast<size_t>(count)}, &core);
  }
  return core;
}

std::vector<CoreFile> findCores(const CorePattern& pattern,
                                const std::vector<std::string>& directories,
                                int64_t sinceRealtimeNs) {
  std::vector<CoreFile> cores;
  if (pattern.kind != CorePattern::Kind::kFiles) return cores;
  std::set<std::string> places;
  if (!pattern.directory.empty() && pattern.directory[0] == '/') {
    places.insert(pattern.directory);
  } else {
    for (const std::string& directory : directories) {
      bool isRoot = directory == "/";
      places.insert(pattern.directory.empty()
                        ? directory
                        : (isRoot ? "" : directory) + "/" + pattern.directory);
    }
  }
  for (const std::string& place : places) {
    if (cores.size() < kCoresMax) addCoresOf(place, pattern, sinceRealtimeNs, &cores);
  }
  return cores;
}

std::vector<std::string> directoriesOfProcesses() {
  std::set<std::string> found;
  Directory processes(opendir("/proc"));
  if (processes == nullptr) return {};
  while (dirent* entry = readdir(processes.get())) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    char target[PATH_MAX];
    std::string link = std::string(entry->d_name) + "/cwd";
    ssize_t length = readlinkat(dirfd(processes.get()), link.c_str(), target, sizeof(target));
    if (length > 0) found.insert(std::string(target, static_cast<size_t>(length)));
    if (found.size() >= kDirectoriesMax) break;
  }
  return {found.begin(), found.end()};
}

}  // namespace nodeagent::diagnosis
