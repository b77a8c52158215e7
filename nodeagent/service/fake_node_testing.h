// The directory of fake scripts and tools that the unit tests of nodeagent/service run on.
#pragma once

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include <kj/exception.h>
#include <kj/string.h>

#include "schema/service.capnp.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::service {

using Action = wire::ServiceAction;
using Enabled = wire::ServiceStatus::Enabled;
using Kind = wire::Error::Kind;
using State = wire::ServiceStatus::State;

// A limit in nanoseconds that no tool of these tests reaches.
constexpr int64_t kLong = 20'000'000'000;

// A directory for fake scripts and tools, removed at the end with everything in it.
class FakeNode {
 public:
  FakeNode() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "muster-service-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
    std::filesystem::create_directory(path_ + "/init.d");
  }
  ~FakeNode() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  kj::String path(const std::string& name) const {
    return kj::str(path_.c_str(), "/", name.c_str());
  }

  // Writes an executable shell script and returns its path.
  kj::String script(const std::string& name, const std::string& body) const {
    kj::String file = path(name);
    std::ofstream(file.cStr()) << "#!/bin/sh\n" << body << "\n";
    ::chmod(file.cStr(), 0755);
    return file;
  }

  std::string content(const std::string& name) const {
    std::ifstream file(path(name).cStr());
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string path_;
};

// Returns the failure that `body` throws; of kind unspecified if it throws none.
inline support::Failure failureOf(const std::function<void()>& body) {
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { body(); })) {
    return support::toFailure(*exception, "test");
  }
  return {};
}

}  // namespace nodeagent::service
