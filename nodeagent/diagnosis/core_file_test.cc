#include "nodeagent/diagnosis/core_file.h"

#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <time.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

namespace nodeagent::diagnosis {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

template <typename Struct>
std::string bytesOf(const Struct& value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string note(uint32_t type, std::string content) {
  Elf64_Nhdr header{5, static_cast<Elf64_Word>(content.size()), type};
  content.resize((content.size() + 3) & ~size_t{3});
  return bytesOf(header) + std::string("CORE\0\0\0\0", 8) + content;
}

// A core of kvd, process 42, whose second mapped file is the program's.
std::string coreText() {
  prstatus_t status{};
  status.pr_cursig = SIGSEGV;
  prpsinfo_t info{};
  info.pr_pid = 42;
  strcpy(info.pr_fname, "kvd");
  Elf64_auxv_t entry{AT_ENTRY, {0x5010}};
  uint64_t files[] = {2, 4096, 0x1000, 0x2000, 0, 0x5000, 0x6000, 0};
  std::string names("/lib/libc.so\0/usr/sbin/kvd\0", 27);
  std::string notes = note(NT_PRSTATUS, bytesOf(status)) + note(NT_PRPSINFO, bytesOf(info)) +
                      note(NT_AUXV, bytesOf(entry)) + note(NT_FILE, bytesOf(files) + names);
  Elf64_Ehdr header{};
  memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_type = ET_CORE;
  header.e_machine = sizeof(void*) == 8 ? EM_X86_64 : EM_NONE;
#if __aarch64__
  header.e_machine = EM_AARCH64;
#endif
  header.e_phoff = sizeof(header);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  Elf64_Phdr part{};
  part.p_type = PT_NOTE;
  part.p_offset = sizeof(header) + sizeof(part);
  part.p_filesz = notes.size();
  return bytesOf(header) + bytesOf(part) + notes;
}

class CoreFileTest : public testing::Test {
 protected:
  CoreFileTest() {
    char path[] = "/tmp/core-file-XXXXXX";
    directory_ = mkdtemp(path);
  }
  ~CoreFileTest() noexcept override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ + "/" + name) << text;
    return directory_ + "/" + name;
  }

  std::vector<CoreFile> find(const std::string& pattern, int64_t since) {
    return findCores(parseCorePattern(pattern, CorePid::kNotAdded), {directory_}, since);
  }

  std::string directory_;
};

TEST_F(CoreFileTest, NotesTellProgramAndSignal) {
  auto core = readCore(write("core", coreText()));
  ASSERT_TRUE(core);
  EXPECT_EQ(core->program, "kvd");
  EXPECT_EQ(core->pid, 42);
  EXPECT_EQ(core->signal, SIGSEGV);
  EXPECT_EQ(core->executable, "/usr/sbin/kvd");
}

TEST_F(CoreFileTest, EachCutCoreIsReadAsFarAsItGoes) {
  std::string whole = coreText();
  for (size_t size = 0; size < whole.size(); ++size) {
    auto core = readCore(write("core", whole.substr(0, size)));
    EXPECT_EQ(core.has_value(), size >= sizeof(Elf64_Ehdr)) << size;
  }
}

TEST_F(CoreFileTest, NotesOfAllOnesAreHarmless) {
  std::string text = coreText();
  text.replace(sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr), 200, 200, '\xff');
  auto core = readCore(write("core", text));
  ASSERT_TRUE(core);
  EXPECT_EQ(core->executable, "");
}

TEST_F(CoreFileTest, OtherFilesAreNoCores) {
  write("core", "text");
  EXPECT_THAT(find("core", 1), IsEmpty());
  ASSERT_EQ(mkfifo((directory_ + "/core.1").c_str(), 0600), 0);
  std::filesystem::create_directory(directory_ + "/core.2");
  std::filesystem::create_symlink(write("real", coreText()), directory_ + "/core.3");
  EXPECT_THAT(find("core.%p", 1), IsEmpty());
}

TEST_F(CoreFileTest, OnlyNewCoresAreFound) {
  int64_t now = timesOf(write("core.7", coreText())).changedRealtimeNs;
  EXPECT_THAT(find("core.%p", now), SizeIs(1));
  EXPECT_THAT(find("core.%p", now + 1'000'000'000), IsEmpty());
}

TEST_F(CoreFileTest, NewCoreOfTheSamePathHasAnotherKey) {
  std::string path = write("core", coreText());
  std::string before = timesOf(path).key;
  timespec times[2] = {{1, 0}, {1, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  EXPECT_NE(timesOf(path).key, before);
}

TEST_F(CoreFileTest, AbsolutePatternIsLookedAtAlone) {
  write("core", coreText());
  CorePattern pattern = parseCorePattern(directory_ + "/core", CorePid::kNotAdded);
  EXPECT_THAT(findCores(pattern, {"/nowhere"}, 1), SizeIs(1));
}

TEST_F(CoreFileTest, DirectoriesOfProcessesHaveOurs) {
  EXPECT_THAT(directoriesOfProcesses(), testing::Contains(std::filesystem::current_path()));
}

}  // namespace
}  // namespace nodeagent::diagnosis
