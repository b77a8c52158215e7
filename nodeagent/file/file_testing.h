// Helpers that the unit tests of nodeagent/file share.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <kj/exception.h>
#include <kj/string.h>

#include "nodeagent/file/view.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::file {

using Kind = wire::Error::Kind;

// A temporary directory, removed at the end with everything in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "muster-file-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
    ::chmod(path_.c_str(), 0755);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  kj::String operator/(const std::string& name) const {
    return kj::str(path_.c_str(), "/", name.c_str());
  }

  // Returns the names of all entries, hidden ones too.
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (auto& entry : std::filesystem::directory_iterator(path_))
      all.push_back(entry.path().filename());
    std::sort(all.begin(), all.end());
    return all;
  }

 private:
  std::string path_;
};

inline void put(kj::StringPtr path, const std::string& content) {
  std::ofstream(path.cStr(), std::ios::binary) << content;
}

inline std::string contentOf(kj::StringPtr path) {
  std::ifstream file(path.cStr(), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline mode_t modeOf(kj::StringPtr path) {
  return statOf(path, SymlinkPolicy::kKeep).status.st_mode & 07777;
}

inline kj::ArrayPtr<const kj::byte> bytesOf(const std::string& text) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size());
}

inline std::string textOf(kj::ArrayPtr<const kj::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
}

// Returns the failure that `body` throws; of kind unspecified if it throws none.
inline support::Failure failureOf(const std::function<void()>& body) {
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { body(); })) {
    return support::toFailure(*exception, "test");
  }
  return {};
}

// Runs `body` in a child with a mount namespace of its own, so that its mounts disappear with it.
// `body` returns an empty text, or the fault. Returns "skip" where the test may not do that.
inline std::string inMountNamespace(const std::function<std::string()>& body) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) < 0) return "pipe";
  pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    std::string text = "skip";
    if (::unshare(CLONE_NEWNS) == 0 &&
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) {
      try {
        text = body();
      } catch (const kj::Exception& exception) {
        text = std::string("threw: ") + exception.getDescription().cStr();
      }
    }
    ssize_t written = ::write(pipe[1], text.data(), text.size());
    ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(pipe[1]);
  std::string text;
  char buffer[4096];
  ssize_t count;
  while ((count = ::read(pipe[0], buffer, sizeof buffer)) > 0)
    text.append(buffer, static_cast<size_t>(count));
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0 && text.empty()) text = "the child ended with status " + std::to_string(status);
  return text;
}

}  // namespace nodeagent::file
