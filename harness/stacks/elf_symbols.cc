#include "harness/stacks/elf_symbols.h"

#include <cxxabi.h>
#include <elf.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "harness/os/files.h"

namespace harness::stacks {
namespace {

// A symbol without a size reaches this far at most.
constexpr uint64_t kUnsizedMax = 4096;

// A larger file is not read for the names of a few functions.
constexpr uint64_t kFileBytesMax = uint64_t{1} << 30;

// Copies what need not be aligned in a file. nullopt: the file ends before it.
template <typename Value>
std::optional<Value> valueAt(std::string_view content, uint64_t offset) {
  if (offset > content.size() || content.size() - offset < sizeof(Value)) return std::nullopt;
  Value value;
  std::memcpy(&value, content.data() + offset, sizeof value);
  return value;
}

std::string_view sectionOf(std::string_view content, const Elf64_Shdr& header) {
  if (header.sh_offset > content.size()) return {};
  return content.substr(header.sh_offset, header.sh_size);
}

std::string nameAt(std::string_view names, uint64_t offset) {
  if (offset >= names.size()) return "";
  names.remove_prefix(offset);
  return std::string(names.substr(0, names.find('\0')));
}

std::string demangled(const std::string& name) {
  int status = 0;
  std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), std::free);
  return text ? text.get() : name;
}

}  // namespace

ElfSymbols::ElfSymbols(const std::string& path) {
  try {
    if (std::filesystem::file_size(path) <= kFileBytesMax) read(readFile(path));
  } catch (const std::exception&) {
    // There is no such file, or no memory for it: its functions have no names.
  }
}

// The full table of symbols is missing in a stripped file, and the dynamic one is a part of it.
void ElfSymbols::read(const std::string& content) {
  auto header = valueAt<Elf64_Ehdr>(content, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return;
  if (header->e_ident[EI_CLASS] != ELFCLASS64) return;
  std::vector<Elf64_Shdr> sections;
  for (uint64_t i = 0; i < header->e_shnum; ++i) {
    auto section = valueAt<Elf64_Shdr>(content, header->e_shoff + i * header->e_shentsize);
    if (!section) return;
    sections.push_back(*section);
  }
  for (uint32_t type : {SHT_SYMTAB, SHT_DYNSYM}) {
    for (const Elf64_Shdr& section : sections) {
      if (section.sh_type != type || section.sh_link >= sections.size()) continue;
      std::string_view names = sectionOf(content, sections[section.sh_link]);
      std::string_view table = sectionOf(content, section);
      for (uint64_t at = 0; auto symbol = valueAt<Elf64_Sym>(table, at); at += sizeof *symbol) {
        bool isFunction = ELF64_ST_TYPE(symbol->st_info) == STT_FUNC ||
                          ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC;
        if (!isFunction || symbol->st_value == 0) continue;
        symbols_.try_emplace(symbol->st_value,
                             Symbol{symbol->st_size, nameAt(names, symbol->st_name)});
      }
    }
    if (!symbols_.empty()) return;
  }
}

std::string ElfSymbols::functionAt(uint64_t offset) const {
  auto next = symbols_.upper_bound(offset);
  if (next == symbols_.begin()) return "";
  const auto& [begin, symbol] = *std::prev(next);
  if (offset - begin >= (symbol.size > 0 ? symbol.size : kUnsizedMax)) return "";
  return demangled(symbol.name);
}

}  // namespace harness::stacks
