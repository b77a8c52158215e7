// Tries which files are programs, and on which nodes they can run.
#include "harness/helper/program_file.h"

#include <elf.h>

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/node_error.h>

namespace harness::helper {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

// A program of one part, which names the loader.
std::string elfFor(uint16_t machine, const std::string& loader) {
  Elf64_Ehdr header{};
  Elf64_Phdr part{};
  std::copy_n(ELFMAG, SELFMAG, reinterpret_cast<char*>(header.e_ident));
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_DYN;
  header.e_machine = machine;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof part;
  header.e_phnum = 1;
  part.p_type = PT_INTERP;
  part.p_offset = sizeof header + sizeof part;
  return std::string(reinterpret_cast<const char*>(&header), sizeof header) +
         std::string(reinterpret_cast<const char*>(&part), sizeof part) + loader + '\0';
}

TEST(ProgramFileTest, ElfTellsArchitectureAndLoader) {
  ProgramFile program = programOf("/x/kvd_helper", elfFor(EM_AARCH64, "/lib/ld.so"));
  EXPECT_EQ(program.kind, ProgramFile::Kind::kElf);
  EXPECT_EQ(program.name, "kvd_helper");
  EXPECT_EQ(program.architecture, "aarch64");
  EXPECT_EQ(program.interpreter, "/lib/ld.so");
  EXPECT_THAT(whyNotOn(program, "aarch64"), IsEmpty());
  EXPECT_EQ(whyNotOn(program, "x86_64"),
            "the program is for aarch64, and the node is x86_64; build it for x86_64");
}

TEST(ProgramFileTest, FamiliesRunEachOther) {
  ProgramFile program = programOf("p", elfFor(EM_ARM, ""));
  EXPECT_THAT(whyNotOn(program, "armv7l"), IsEmpty());
  EXPECT_THAT(whyNotOn(programOf("p", elfFor(EM_386, "")), "i586"), IsEmpty());
  EXPECT_THAT(whyNotOn(program, ""), IsEmpty());
}

TEST(ProgramFileTest, ScriptOfPythonRunsAnywhere) {
  ProgramFile program = programOf("p.py", "#!/usr/bin/env python3\nimport muster_helper\n");
  EXPECT_EQ(program.kind, ProgramFile::Kind::kPython);
  EXPECT_THAT(whyNotOn(program, "riscv64"), IsEmpty());
}

// Numbers of a damaged file lead nowhere.
TEST(ProgramFileTest, OtherFilesAreRefused) {
  for (std::string content : {std::string(), std::string("#!/bin/sh\n"),
                              std::string("\x7f"
                                          "ELF"),
                              std::string("\x7f"
                                          "ELF") +
                                  std::string(60, '\xff')}) {
    EXPECT_THROW(programOf("p", content), muster::NodeError) << content;
  }
  std::string cut = elfFor(EM_X86_64, "/lib/ld.so").substr(0, sizeof(Elf64_Ehdr) + 20);
  EXPECT_THAT(programOf("p", cut).interpreter, IsEmpty());
}

TEST(ProgramFileTest, AbsentProgramNamesThePlaces) {
  ::setenv("MUSTER_HELPERS", "/one:/two", 1);
  EXPECT_THAT([] { findProgram("none_helper"); },
              ThrowsMessage<muster::NodeError>(testing::AllOf(HasSubstr("/one/none_helper"),
                                                              HasSubstr("/two/none_helper"),
                                                              HasSubstr("muster_helper()"))));
  ::unsetenv("MUSTER_HELPERS");
}

TEST(ProgramFileTest, AddressesGetFunctionsWhereTheyAreKnown) {
  EXPECT_THAT(functionsAt("/no/such/program", {16}), testing::ElementsAre("0x10"));
  EXPECT_THAT(functionsAt("/proc/self/exe", {}), IsEmpty());
}

}  // namespace
}  // namespace harness::helper
