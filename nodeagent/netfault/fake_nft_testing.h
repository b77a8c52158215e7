// An nft and a tc that keep what they made in memory and print it as the real ones do, for unit
// tests.
#pragma once

#include <errno.h>

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "nodeagent/netfault/nft_table.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {

// Safe to use from the threads of a worker and from the test's.
class FakeNft {
 public:
  enum class Mode {
    kWorks,
    // Says that it worked and does nothing.
    kIdle,
    kMissing,
    kNotPermitted,
    // Takes everything but elements.
    kForgetful
  };

  // Borrows this.
  RunTool tool() {
    return [this](kj::ArrayPtr<const kj::String> argv) { return run(argv); };
  }

  void become(Mode mode) {
    std::lock_guard<std::mutex> lock(mutex_);
    mode_ = mode;
  }
  std::vector<std::string> texts() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return texts_;
  }
  size_t tableCount() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return tables_.size();
  }
  void clear() {
    std::lock_guard<std::mutex> lock(mutex_);
    tables_.clear();
  }
  // Puts a queueing discipline on an interface, such as "htb 1:".
  void putQdisc(const std::string& interface, const std::string& qdisc) {
    std::lock_guard<std::mutex> lock(mutex_);
    qdiscs_[interface] = qdisc;
  }
  std::string qdiscOf(const std::string& interface) {
    std::lock_guard<std::mutex> lock(mutex_);
    return qdiscs_[interface];
  }
  void removeInterface(const std::string& interface) {
    std::lock_guard<std::mutex> lock(mutex_);
    gone_.insert(interface);
  }
  // Adds a line to every chain, as somebody else might.
  void spoil(const std::string& block) {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto& [name, table] : tables_) table.foreign = block;
  }
  void count(uint64_t packets) {
    std::lock_guard<std::mutex> lock(mutex_);
    packets_ = packets;
  }

 private:
  struct Table {
    std::map<std::string, std::string> sets;
    std::vector<std::string> rules;
    std::string foreign;
  };

  CommandResult run(kj::ArrayPtr<const kj::String> argv) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (mode_ == Mode::kMissing) return {CommandResult::End::kNotStarted, ENOENT, nullptr};
    if (mode_ == Mode::kNotPermitted) return ended(1, "Operation not permitted (you must be root)");
    if (argv[0] == "tc") return tc(argv);
    std::string text = argv[1].cStr();
    if (mode_ == Mode::kIdle) return ended(0, "");
    if (text == "list") return list(argv[4].cStr());
    if (text == "delete") return ended(tables_.erase(argv[4].cStr()) == 1 ? 0 : 1, "");
    texts_.push_back(text);
    for (const std::string& statement : statementsOf(text)) {
      if (!apply(statement)) return ended(1, "Error: No such file or directory; in " + statement);
    }
    return ended(0, "");
  }

  // Knows "-s qdisc show dev IF root", "qdisc add dev IF root handle H KIND …" and "qdisc del …".
  CommandResult tc(kj::ArrayPtr<const kj::String> argv) {
    if (mode_ == Mode::kIdle) return ended(0, "");
    if (argv[1] == "-s") {
      std::string name = argv[5].cStr();
      if (name == "nope" || gone_.count(name) > 0) {
        return ended(1, "Cannot find device \"" + name + "\"");
      }
      auto found = qdiscs_.find(argv[5].cStr());
      std::string qdisc = found == qdiscs_.end() ? "noqueue 0:" : found->second;
      return ended(0, "qdisc " + qdisc + " root refcnt 2 \n Sent 84 bytes " +
                          std::to_string(packets_) + " pkt (dropped 0, overlimits 0)\n");
    }
    std::string interface = argv[4].cStr();
    if (argv[2] == "del") return ended(qdiscs_.erase(interface) == 1 ? 0 : 2, "");
    std::string kind = argv[8].cStr();
    if (kind == "netem") return ended(2, "Error: Specified qdisc kind is unknown.");
    texts_.push_back(kj::strArray(argv, " ").cStr());
    qdiscs_[interface] = kind + " " + argv[7].cStr();
    return ended(0, "");
  }

  static CommandResult ended(int status, const std::string& output) {
    auto bytes = kj::heapArray<kj::byte>(output.size());
    std::copy(output.begin(), output.end(), bytes.begin());
    return {CommandResult::End::kExited, status, kj::mv(bytes)};
  }

  static std::vector<std::string> statementsOf(const std::string& text) {
    std::vector<std::string> statements(1);
    int depth = 0;
    for (char c : text) {
      if (c == '{') ++depth;
      if (c == '}') --depth;
      if (c == ';' && depth == 0) {
        statements.emplace_back();
      } else if (c != ' ' || !statements.back().empty()) {
        statements.back() += c;
      }
    }
    statements.pop_back();
    return statements;
  }

  // Applies "VERB KIND inet TABLE NAME REST". False: there is no such table.
  bool apply(const std::string& statement) {
    std::vector<std::string> words(1);
    for (char c : statement) {
      if (c == ' ' && words.size() < 6) {
        words.emplace_back();
      } else {
        words.back() += c;
      }
    }
    words.resize(6);
    if (words[1] == "table") tables_[words[3]];
    if (tables_.count(words[3]) == 0) return false;
    Table& table = tables_[words[3]];
    if (words[1] == "set" && words[0] == "flush") table.sets[words[4]].clear();
    if (words[1] == "set" && words[0] == "add") table.sets[words[4]];
    if (words[1] == "rule") table.rules.push_back(words[5]);
    if (words[1] == "element" && mode_ != Mode::kForgetful) table.sets[words[4]] = words[5];
    return true;
  }

  CommandResult list(const std::string& name) {
    auto found = tables_.find(name);
    if (found == tables_.end()) return ended(1, "Error: No such file or directory\nlist table");
    std::string text = "table inet " + name + " {\n" + found->second.foreign;
    for (auto& [set, elements] : found->second.sets) {
      text += "\tset " + set + " {\n\t\ttype ipv4_addr\n\t\tflags timeout\n";
      if (!elements.empty()) text += "\t\telements = " + elements + "\n";
      text += "\t}\n\n";
    }
    text += "\tchain input {\n\t\ttype filter hook input priority mangle; policy accept;\n";
    for (const std::string& rule : found->second.rules) {
      std::string shown = rule;
      size_t at = shown.find("counter drop");
      std::string counted = "counter packets " + std::to_string(packets_) + " bytes 84 drop";
      if (at != std::string::npos) shown.replace(at, 12, counted);
      text += "\t\t" + shown + "\n";
    }
    return ended(0, text + "\t}\n}\n");
  }

  mutable std::mutex mutex_;
  Mode mode_ = Mode::kWorks;
  std::map<std::string, Table> tables_;
  std::map<std::string, std::string> qdiscs_;
  std::set<std::string> gone_;
  std::vector<std::string> texts_;
  uint64_t packets_ = 0;
};

// Returns the failure that `body` throws; of kind unspecified if it throws none.
template <typename Body>
support::Failure failureOf(Body&& body) {
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { body(); })) {
    return support::toFailure(*exception, "test");
  }
  return {};
}

}  // namespace nodeagent::netfault
