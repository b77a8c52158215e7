// A node of files in a directory, with an ip(8) that keeps its interfaces in memory, for unit
// tests.
#pragma once

#include <errno.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "nodeagent/change/change_kind.h"

namespace nodeagent::change {

// Safe to use from the threads of a worker and from the test's.
class FakeNode {
 public:
  FakeNode() {
    char path[] = "/tmp/change-XXXXXX";
    directory_ = mkdtemp(path);
    units_ = directory_ + "/units";
    initCommand_ = directory_ + "/init";
    scripts_ = directory_ + "/init.d";
    openrc_ = directory_ + "/openrc";
    std::filesystem::create_directories(directory_ + "/sys/net/ipv4");
    write("sys/net/ipv4/ip_forward", "0\n");
    write("hosts", "127.0.0.1\tlocalhost\n");
  }
  ~FakeNode() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  FakeNode(const FakeNode&) = delete;
  FakeNode& operator=(const FakeNode&) = delete;

  // Borrows this.
  Surroundings surroundings() {
    Surroundings node;
    node.run = [this](kj::ArrayPtr<const kj::String> argv, int64_t) { return run(argv); };
    node.sysctls = kj::str(directory_.c_str(), "/sys");
    node.hosts = kj::str(directory_.c_str(), "/hosts");
    node.init = {units_.c_str(), initCommand_.c_str(), scripts_.c_str(), openrc_.c_str()};
    node.sysvSettings = kj::str(directory_.c_str(), "/default");
    node.openrcSettings = kj::str(directory_.c_str(), "/conf.d");
    return node;
  }

  const std::string& directory() const { return directory_; }
  std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(directory_ + "/" + name).rdbuf();
    return text.str();
  }
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(directory_ + "/" + name) << content;
  }

  // Makes it a node of systemd with one unit, kvd.service, or a node of scripts with one, kvd.
  void addSystemd() const {
    std::filesystem::create_directories(units_);
    write("init", "systemd\n");
  }
  void addScripts() const {
    std::filesystem::create_directories(scripts_);
    std::filesystem::create_directories(directory_ + "/default");
    write("init.d/kvd", "#!/bin/sh\n");
    std::filesystem::permissions(scripts_ + "/kvd", std::filesystem::perms::all);
  }

  void breakIp(const std::string& text) {
    std::lock_guard<std::mutex> lock(mutex_);
    failure_ = text;
  }
  void removeIp() {
    std::lock_guard<std::mutex> lock(mutex_);
    isMissing_ = true;
  }
  std::vector<std::string> calls() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return calls_;
  }
  std::set<std::string> interfaces() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return interfaces_;
  }
  std::set<std::string> addresses() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return addresses_;
  }

 private:
  static CommandResult ended(int status, const std::string& output) {
    auto bytes = kj::heapArray<kj::byte>(output.size());
    std::copy(output.begin(), output.end(), bytes.begin());
    return {CommandResult::End::kExited, status, kj::mv(bytes)};
  }

  // Knows nothing but whether the unit is there.
  static CommandResult systemctl(const std::vector<std::string>& words) {
    if (words[1] != "show") return ended(0, "");
    bool isKnown = words.back() == "kvd" || words.back() == "kvd.service";
    return ended(0, isKnown ? "LoadState=loaded\nId=kvd.service\n"
                            : "LoadState=not-found\nId=" + words.back() + "\n");
  }

  CommandResult run(kj::ArrayPtr<const kj::String> argv) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (isMissing_) return {CommandResult::End::kNotStarted, ENOENT, nullptr};
    std::vector<std::string> words;
    for (auto& word : argv) words.emplace_back(word.cStr());
    calls_.emplace_back(kj::strArray(argv, " ").cStr());
    if (words[0] == "systemctl") return systemctl(words);
    bool changes = words[2] == "add" || words[2] == "del" || words[2] == "set";
    if (changes && !failure_.empty()) return ended(2, failure_);
    if (words[1] == "-o" && words[2] == "link") {
      return interfaces_.count(words[5]) == 1
                 ? ended(0, "2: " + words[5] + ": <UP> mtu 1500")
                 : ended(1, "Device \"" + words[5] + "\" does not exist.");
    }
    if (words[1] == "-o") {
      for (const std::string& address : addresses_) {
        if (address.starts_with(words[5] + "/")) return ended(0, "2: eth0 inet " + address);
      }
      return ended(0, "");
    }
    if (words[1] == "address" && words[2] == "add") addresses_.insert(words[3]);
    if (words[1] == "address" && words[2] == "del" && addresses_.erase(words[3]) == 0) {
      return ended(2, "RTNETLINK answers: Cannot assign requested address");
    }
    if (words[1] == "link" && words[2] == "add") {
      for (size_t i = 3; i + 1 < words.size(); ++i) {
        if (words[i] == "name") interfaces_.insert(words[i + 1]);
      }
    }
    if (words[1] == "link" && words[2] == "del" && interfaces_.erase(words[4]) == 0) {
      return ended(1, "Cannot find device \"" + words[4] + "\"");
    }
    return ended(0, "");
  }

  std::string directory_;
  // Borrowed by the surroundings.
  std::string units_;
  std::string initCommand_;
  std::string scripts_;
  std::string openrc_;
  mutable std::mutex mutex_;
  bool isMissing_ = false;
  std::string failure_;
  std::vector<std::string> calls_;
  std::set<std::string> interfaces_ = {"lo", "eth0"};
  std::set<std::string> addresses_ = {"10.0.0.1/24"};
};

}  // namespace nodeagent::change
