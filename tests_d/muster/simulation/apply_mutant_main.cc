// The build calls this program to apply a mutant.
//
//   apply-mutant PATCH ROOT OUT
//
// It takes each file that PATCH changes from the tree ROOT and writes it with the mistake to OUT.
#include <stdio.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests_d/muster/support/patch.h"

namespace {

namespace fs = std::filesystem;

std::string contentOf(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream || !text) throw muster_tests::PatchError("cannot read " + path.string());
  return text.str();
}

void write(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream stream(path, std::ios::binary);
  stream << content;
  stream.close();
  if (!stream) throw muster_tests::PatchError("cannot write " + path.string());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fputs("usage: apply-mutant PATCH ROOT OUT\n", stderr);
    return 2;
  }
  try {
    for (const auto& change : muster_tests::parsePatch(contentOf(argv[1])).changes) {
      std::string source = contentOf(fs::path(argv[2]) / change.path);
      write(fs::path(argv[3]) / change.path, muster_tests::changed(change, source));
    }
  } catch (const std::exception& error) {
    fprintf(stderr, "%s: %s\n", argv[1], error.what());
    return 1;
  }
  return 0;
}
