#include "nodeagent/os/environment.h"

#include <unistd.h>

#include <kj/vector.h>

namespace nodeagent {

std::map<std::string, std::string> environmentMap() {
  std::map<std::string, std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string text = *entry;
    size_t equals = text.find('=');
    if (equals != std::string::npos) result[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return result;
}

kj::Array<kj::String> ownEnvironment() {
  kj::Vector<kj::String> result;
  for (char** entry = environ; *entry != nullptr; ++entry) result.add(kj::str(*entry));
  return result.releaseAsArray();
}

kj::Array<kj::String> environmentWith(kj::StringPtr more) {
  kj::Vector<kj::String> result;
  for (auto& entry : ownEnvironment()) result.add(kj::mv(entry));
  result.add(kj::str(more));
  return result.releaseAsArray();
}

}  // namespace nodeagent
