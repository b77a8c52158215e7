#include "harness/provision/ssh/agent_program.h"

#include <elf.h>

#include <cstddef>
#include <cstring>

#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/provision/error.h"
#include "harness/provision/ssh/host_texts.h"
#include "schema/support/base/sha256.h"

namespace harness {
namespace {

struct Machine {
  unsigned number;
  const char* name;
  // What uname(1) calls the machines that run its programs.
  const char* machines;
};

constexpr Machine kMachines[] = {
    {EM_X86_64, "x86_64", "x86_64 amd64"},
    {EM_386, "i386", "i386 i486 i586 i686 x86_64"},
    {EM_AARCH64, "aarch64", "aarch64 arm64"},
    {EM_ARM, "arm", "armv5tel armv6l armv7l armv8l aarch64"},
    {EM_PPC64, "ppc64", "ppc64 ppc64le"},
    {EM_S390, "s390x", "s390x"},
    {EM_RISCV, "riscv64", "riscv64"},
};

const Machine* machineOf(const std::string& content) {
  if (content.size() < sizeof(Elf64_Ehdr) || std::memcmp(content.data(), ELFMAG, SELFMAG) != 0) {
    return nullptr;
  }
  auto byte = [&](size_t at) { return static_cast<unsigned char>(content[at]); };
  bool isLittle = byte(EI_DATA) == ELFDATA2LSB;
  size_t at = offsetof(Elf64_Ehdr, e_machine);
  unsigned number = isLittle ? byte(at) | byte(at + 1) << 8 : byte(at) << 8 | byte(at + 1);
  for (const Machine& machine : kMachines) {
    if (machine.number == number) return &machine;
  }
  return nullptr;
}

std::string readProgram(const std::string& path) {
  if (path.empty()) {
    throw ProvisionError(ProvisionError::Kind::kNotPossibleHere,
                         "the program nodeagent is not found here; install it, or name it by the "
                         "key \"agent\"");
  }
  try {
    return readFile(path);
  } catch (const SystemError& error) {
    throw ProvisionError(ProvisionError::Kind::kNotPossibleHere,
                         std::string("the agent's program: ") + error.what());
  }
}

}  // namespace

std::string elfMachine(const std::string& content) {
  const Machine* machine = machineOf(content);
  return machine == nullptr ? "" : machine->name;
}

std::string sha256Of(const std::string& text) {
  support::Digest digest =
      support::Sha256::of({reinterpret_cast<const unsigned char*>(text.data()), text.size()});
  std::string hex;
  for (unsigned char byte : digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

AgentProgram AgentProgram::load(const std::string& path) {
  std::string content = readProgram(path);
  const Machine* machine = machineOf(content);
  if (machine == nullptr) {
    throw ProvisionError(ProvisionError::Kind::kNotPossibleHere,
                         path +
                             " is not a program for a machine that is known; name an agent's "
                             "program by the key \"agent\"");
  }
  AgentProgram program;
  program.path = path;
  program.bytes = content.size();
  program.sha256 = sha256Of(content);
  program.machine = machine->name;
  program.machines = machine->machines;
  program.input = std::string(kCommonScript) + kCopyScript;
  program.scriptBytes = program.input.size();
  program.input += content;
  return program;
}

}  // namespace harness
