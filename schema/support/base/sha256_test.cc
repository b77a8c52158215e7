// Tries digests against known ones, and that OpenSSL's error queue is left alone.
#include "schema/support/base/sha256.h"

#include <string>

#include <gtest/gtest.h>
#include <kj/string.h>

#include "schema/support/base/id.h"
#include "schema/support/base/openssl.h"

namespace support {
namespace {

std::string hexOf(const Digest& digest) {
  return hex(kj::arrayPtr(digest.data(), digest.size()));
}

kj::ArrayPtr<const kj::byte> bytesOf(const std::string& text) {
  return kj::StringPtr(text.c_str(), text.size()).asBytes();
}

// Nothing at all, and two examples of FIPS 180-2.
TEST(Sha256Test, DigestsAreTheStandards) {
  EXPECT_EQ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            hexOf(Sha256().digest()));
  EXPECT_EQ("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            hexOf(Sha256::of(bytesOf("abc"))));
  EXPECT_EQ("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
            hexOf(Sha256::of(bytesOf(std::string(1000000, 'a')))));
}

TEST(OpensslScopeTest, QueueIsEmptyWithinAndAfterwards) {
  ERR_raise(ERR_LIB_USER, 1);
  {
    OpensslScope scope;
    EXPECT_EQ(0u, ERR_peek_error());
    ERR_raise(ERR_LIB_USER, 2);
    EXPECT_NE(0u, ERR_peek_error());
  }
  EXPECT_EQ(0u, ERR_peek_error());
}

}  // namespace
}  // namespace support
