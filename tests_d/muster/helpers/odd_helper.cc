// A helper that does everything that a helper should not.
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <muster/helper.h>

namespace {

struct Entry {
  std::string name;
  std::optional<double> share;
  std::vector<bool> flags;
  std::map<std::string, int64_t> sizes;

  template <typename Visit>
  void fields(Visit&& visit) {
    visit("name", name);
    visit("share", share);
    visit("flags", flags);
    visit("sizes", sizes);
  }
};

struct Unprintable {};

[[gnu::noinline]] void innermost(int depth) {
  if (depth > 0) return innermost(depth - 1);
  throw std::domain_error("too deep");
}

// Ends when it is killed.
void runForEver() {
  std::mutex mutex;
  std::unique_lock<std::mutex> lock(mutex);
  std::condition_variable never;
  never.wait(lock, [] { return false; });
}

}  // namespace

int main(int count, char** arguments) {
  muster::Helper helper;
  int64_t calls = 0;
  helper.on("count", [&] { return ++calls; });
  helper.on("echo", [](Entry entry) { return entry; });
  helper.on("echo text", [](std::string text) { return text; });
  helper.on("print", [] {
    std::printf("printf\n");
    std::cout << "cout\n";
    std::fflush(stdout);
    return std::system("echo child");
  });
  helper.on("throw deep", [](int64_t depth) { innermost(static_cast<int>(depth)); });
  helper.on("throw of library", [] { return std::vector<int64_t>().at(5); });
  helper.on("throw number", [] { throw 5; });
  helper.on("throw unprintable", [] { throw Unprintable(); });
  helper.on("crash", [] {
    std::fprintf(stderr, "about to crash\n");
    std::abort();
  });
  helper.on("exit", [](int64_t status) { ::_exit(static_cast<int>(status)); });
  helper.on("run for ever", [] { runForEver(); });
  helper.on("allowed", [&] { return std::chrono::duration<double>(helper.remaining()).count(); });
  helper.on("arguments",
            [&] { return std::vector<std::string>(arguments + 1, arguments + count); });
  helper.on("uid", [] { return int64_t{::getuid()}; });
  return helper.serve();
}
