// Compares the contract of today with that of protocol 1.0, which is in contract-1.0.
#include <capnp/schema-parser.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/filesystem.h>

#include "schema/agent.capnp.h"
#include "tests_d/muster/versions/contract_rules.h"

namespace versions {
namespace {

// The interfaces that an agent offers; a service that came later has nothing to be compared with.
struct Interface {
  const char* file;
  const char* name;
};
constexpr Interface kInterfaces[] = {
    {"agent.capnp", "Gate"},      {"job.capnp", "Jobs"},         {"job.capnp", "JobView"},
    {"file.capnp", "Files"},      {"service.capnp", "Services"}, {"service.capnp", "ServiceView"},
    {"facts.capnp", "FactsView"},
};

class ContractTest : public testing::Test {
 protected:
  ~ContractTest() noexcept override = default;

  capnp::InterfaceSchema interface(const capnp::SchemaParser& parser,
                                   const kj::ReadableDirectory& from, const Interface& wanted) {
    return parser.parseFromDirectory(from, kj::Path({wanted.file}), importPath_)
        .getNested(wanted.name)
        .asInterface();
  }

  kj::Own<const kj::ReadableDirectory> open(kj::StringPtr path) {
    return filesystem_->getRoot().openSubdir(kj::Path::parse(path.slice(1)));
  }

  kj::Own<kj::Filesystem> filesystem_ = kj::newDiskFilesystem();
  kj::Own<const kj::ReadableDirectory> capnp_ = open(CAPNP_INCLUDE_DIR);
  const kj::ReadableDirectory* importPath_[1] = {capnp_.get()};
};

TEST_F(ContractTest, ProtocolOneZeroIsUnderstood) {
  auto earlier = open(MUSTER_SOURCE_DIR "/tests_d/muster/versions/contract-1.0");
  auto today = open(MUSTER_SOURCE_DIR "/schema");
  capnp::SchemaParser before;
  capnp::SchemaParser now;
  for (const Interface& wanted : kInterfaces) {
    EXPECT_THAT(changesThatBreak(interface(before, *earlier, wanted),
                                 interface(now, *today, wanted), 0, wire::PROTOCOL_MINOR),
                testing::IsEmpty())
        << wanted.name;
  }
}

}  // namespace
}  // namespace versions
