// Finds functions by the symbols of an ELF file, where nothing better is known. It knows no lines.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace harness::stacks {

class ElfSymbols {
 public:
  // A file that is no 64-bit ELF, cannot be read or has no symbols has no functions.
  explicit ElfSymbols(const std::string& path);

  // Returns the function that has the byte at this offset, as C++ writes it. Empty: not known.
  std::string functionAt(uint64_t offset) const;

 private:
  struct Symbol {
    uint64_t size = 0;
    std::string name = {};
  };

  void read(const std::string& content);

  // By their begins.
  std::map<uint64_t, Symbol> symbols_;
};

}  // namespace harness::stacks
