#include "harness/helper/program_file.h"

#include <elf.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sstream>

#include <muster/node_error.h>

#include "harness/os/command.h"
#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/values/failure_text.h"

namespace harness::helper {
namespace {

using Kind = muster::NodeError::Kind;

constexpr uintmax_t kProgramBytesMax = uintmax_t{128} << 20;
constexpr size_t kProgramHeadersMax = 256;

[[noreturn]] void fail(Kind kind, const std::string& path, const std::string& why) {
  throw muster::NodeError(kind, "", "start the helper " + inQuotes(path), why);
}

std::string architectureOf(unsigned machine, bool isLittle) {
  switch (machine) {
    case EM_X86_64:
      return "x86_64";
    case EM_AARCH64:
      return "aarch64";
    case EM_386:
      return "i686";
    case EM_ARM:
      return "arm";
    case EM_PPC64:
      return isLittle ? "ppc64le" : "ppc64";
    case EM_S390:
      return "s390x";
    case EM_RISCV:
      return "riscv64";
    default:
      return "ELF machine " + std::to_string(machine);
  }
}

// Families whose members run each other's programs, as far as a helper is concerned.
std::string familyOf(const std::string& architecture) {
  bool isI386 =
      architecture.size() == 4 && architecture[0] == 'i' && architecture.compare(2, 2, "86") == 0;
  if (isI386) return "i686";
  return architecture.starts_with("arm") ? "arm" : architecture;
}

// Reads numbers of either byte order and size, and nothing beyond the end.
class ElfReader {
 public:
  explicit ElfReader(const std::string& bytes) : bytes_(bytes) {
    is64_ = byte(EI_CLASS) == ELFCLASS64;
    isLittle_ = byte(EI_DATA) == ELFDATA2LSB;
  }

  bool is64() const { return is64_; }
  bool isLittle() const { return isLittle_; }

  unsigned byte(size_t at) const {
    return at < bytes_.size() ? static_cast<unsigned char>(bytes_[at]) : 0;
  }

  uint64_t number(size_t at, size_t size) const {
    uint64_t result = 0;
    for (size_t i = 0; i < size; ++i) {
      result = result << 8 | byte(at + (isLittle_ ? size - 1 - i : i));
    }
    return result;
  }

  // Returns the text of the part PT_INTERP; empty if there is none.
  std::string interpreter() const {
    uint64_t at = is64_ ? number(32, 8) : number(28, 4);
    uint64_t size = is64_ ? number(54, 2) : number(42, 2);
    uint64_t count = std::min<uint64_t>(is64_ ? number(56, 2) : number(44, 2), kProgramHeadersMax);
    for (uint64_t i = 0; i < count; ++i) {
      uint64_t header = at + i * size;
      if (header >= bytes_.size()) break;
      if (number(header, 4) != PT_INTERP) continue;
      uint64_t from = is64_ ? number(header + 8, 8) : number(header + 4, 4);
      if (from >= bytes_.size()) break;
      return std::string(bytes_.c_str() + from);
    }
    return "";
  }

 private:
  const std::string& bytes_;
  bool is64_ = false;
  bool isLittle_ = false;
};

void readElf(ProgramFile& program) {
  ElfReader elf(program.content);
  uint64_t type = elf.number(16, 2);
  if (program.content.size() < sizeof(Elf32_Ehdr) || (type != ET_EXEC && type != ET_DYN)) {
    fail(Kind::kInvalid, program.path, "is an ELF file, but no program");
  }
  program.architecture = architectureOf(static_cast<unsigned>(elf.number(18, 2)), elf.isLittle());
  program.interpreter = elf.interpreter();
}

std::vector<std::filesystem::path> placesOf(const std::string& name) {
  if (name.find('/') != std::string::npos) return {name};
  std::vector<std::filesystem::path> places;
  std::error_code unknown;
  auto self = std::filesystem::read_symlink("/proc/self/exe", unknown);
  if (!unknown) places.push_back(self.parent_path() / name);
  const char* more = std::getenv("MUSTER_HELPERS");
  std::istringstream directories(more == nullptr ? "" : more);
  for (std::string each; std::getline(directories, each, ':');) {
    if (!each.empty()) places.push_back(std::filesystem::path(each) / name);
  }
  return places;
}

}  // namespace

ProgramFile programOf(const std::string& path, std::string content) {
  ProgramFile program;
  program.path = path;
  program.name = std::filesystem::path(path).filename().string();
  program.content = std::move(content);
  if (program.content.starts_with(ELFMAG)) {
    readElf(program);
    return program;
  }
  std::string first = program.content.substr(0, program.content.find('\n'));
  if (!first.starts_with("#!") || first.find("python") == std::string::npos) {
    fail(Kind::kInvalid, path,
         "is neither an ELF program nor a script that begins with #!/usr/bin/env python3");
  }
  program.kind = ProgramFile::Kind::kPython;
  return program;
}

ProgramFile findProgram(const std::string& name) {
  std::vector<std::string> absent;
  for (const auto& place : placesOf(name)) {
    std::error_code failed;
    if (!std::filesystem::is_regular_file(place, failed)) {
      absent.push_back(inQuotes(place.string()));
      continue;
    }
    uintmax_t size = std::filesystem::file_size(place, failed);
    if (!failed && size > kProgramBytesMax) {
      fail(Kind::kInvalid, place.string(),
           "has " + std::to_string(size) + " bytes; a helper has 128 MiB at most");
    }
    try {
      return programOf(place.string(), readFile(place.string()));
    } catch (const SystemError& error) {
      fail(Kind::kSystem, place.string(), error.what());
    }
  }
  fail(Kind::kNotFound, name,
       "there is no file " + (absent.empty() ? inQuotes(name) : joined(absent, " and none ")) +
           "; build it with muster_helper(), or name its directory in MUSTER_HELPERS");
}

std::string whyNotOn(const ProgramFile& program, const std::string& architecture) {
  bool isElf = program.kind == ProgramFile::Kind::kElf;
  // A node that does not tell is tried.
  if (!isElf || architecture.empty()) return "";
  if (familyOf(architecture) == program.architecture) return "";
  return "the program is for " + program.architecture + ", and the node is " + architecture +
         "; build it for " + architecture;
}

std::vector<std::string> functionsAt(const std::string& path,
                                     const std::vector<uint64_t>& addresses) {
  std::vector<std::string> argv = {"/usr/bin/addr2line", "-aCfie", path};
  std::vector<std::string> plain;
  for (uint64_t address : addresses) {
    char text[32];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(address));
    argv.push_back(text);
    plain.push_back(text);
  }
  if (addresses.empty()) return {};
  std::string output;
  try {
    CommandResult result = runCommand(argv, {.time = std::chrono::seconds(10)});
    if (!result.succeeded()) return plain;
    output = result.output;
  } catch (const SystemError&) {
    // A machine without binutils: the addresses have to do.
    return plain;
  }
  // Each address is followed by pairs of lines: a function, and where it stands.
  std::vector<std::string> functions;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("0x")) continue;
    std::string place;
    std::getline(lines, place);
    place = place.substr(0, place.find(" (discriminator"));
    bool isKnown = !place.starts_with("??");
    functions.push_back(line + (isKnown ? " at " + place : ""));
  }
  return functions;
}

}  // namespace harness::helper
