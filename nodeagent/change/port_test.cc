#include <errno.h>

#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/change/change_kind.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::change {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

// A node whose programs are those of `answers`, by the beginnings of their command lines.
class PortTest : public testing::Test {
 protected:
  PortTest() : kind_(newPortKind()) {
    values_.add("port", kj::str("7400"));
    values_.add("protocol", kj::str("tcp"));
    node_.run = [this](kj::ArrayPtr<const kj::String> argv, int64_t) { return run(argv); };
  }
  ~PortTest() noexcept override {}

  CommandResult run(kj::ArrayPtr<const kj::String> argv) {
    std::string line = kj::strArray(argv, " ").cStr();
    calls_.push_back(line);
    CommandResult result;
    result.value = ENOENT;
    for (auto& [begin, answer] : answers_) {
      if (!line.starts_with(begin)) continue;
      result.end = CommandResult::End::kExited;
      result.value = answer.first;
      result.output = kj::heapArray(kj::StringPtr(answer.second.c_str()).asBytes());
    }
    return result;
  }

  std::string failure() {
    auto thrown =
        kj::runCatchingExceptions([&]() { kind_->make(node_, support::Id::random(), values_); });
    KJ_IF_MAYBE (exception, thrown) return support::reasonOf(*exception).cStr();
    return "";
  }

  kj::Own<ChangeKind> kind_;
  Surroundings node_;
  Values values_;
  std::map<std::string, std::pair<int, std::string>> answers_;
  std::vector<std::string> calls_;
};

constexpr const char* kListing =
    "table inet fw {\n\tchain in {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n"
    "\tchain out {\n\t\ttype filter hook output priority filter; policy accept;\n\t}\n}\n"
    "table inet muster_1 {\n\tchain cut {\n\t\ttype filter hook input priority -300;\n\t}\n}\n";

TEST_F(PortTest, EachForeignChainOfWhatComesInHasARule) {
  answers_ = {{"nft", {0, kListing}}};
  EXPECT_EQ(failure(), "");
  EXPECT_THAT(calls_, Contains(StartsWith("nft insert rule inet fw in tcp dport 7400 accept")));
  EXPECT_EQ(values_.get("detail.chains"), "1");
}

TEST_F(PortTest, ChainsOfIptablesAreOpenedByIptables) {
  answers_ = {{"nft", {0, ""}}, {"iptables", {0, "iptables v1.8.9 (legacy)"}}};
  EXPECT_EQ(failure(), "");
  EXPECT_THAT(calls_, Contains(StartsWith("iptables -w 5 -I INPUT -p tcp --dport 7400")));
  answers_.erase("nft");
  calls_.clear();
  EXPECT_EQ(failure(), "");
  EXPECT_THAT(calls_, Contains(StartsWith("iptables -w 5 -I INPUT")));
}

TEST_F(PortTest, FirewallThatCannotBeLookedAtIsAFailure) {
  EXPECT_THAT(failure(), HasSubstr("neither nft nor iptables"));
  answers_ = {{"nft", {1, "Operation not permitted"}}};
  EXPECT_THAT(failure(), HasSubstr("Operation not permitted"));
}

}  // namespace
}  // namespace nodeagent::change
