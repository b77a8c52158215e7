// Tries certificates, deny lists and requests, and the files that hold them.
#include "schema/support/tls/certificate.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "schema/support/base/openssl.h"
#include "schema/support/base/trusted_file.h"
#include "schema/support/tls/pki.h"

namespace support {
namespace {

using testing::HasSubstr;

TEST(CertificateTest, TellsWhatItIsFor) {
  auto authority = Authority::make("a");
  auto node = describeCertificate(authority.issueNode("n1").certificate).value();
  EXPECT_THAT(node.dnsNames, testing::ElementsAre("n1"));
  EXPECT_TRUE(node.forServers);
  EXPECT_FALSE(node.isAuthority);
  EXPECT_EQ(node.mark.sha256.size(), 64u);
  EXPECT_TRUE(describeCertificate(authority.certificate())->isAuthority);
  EXPECT_FALSE(describeCertificate("no certificate"));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(CertificateTest, RequestIsCertifiedWithoutItsKey) {
  auto authority = Authority::make("a");
  auto request = makeRequest("anything");
  std::string certificate =
      authority.certify(request.request, "n1", {"n1"}, Purpose::kServer, Validity());
  auto facts = describeCertificate(certificate).value();
  EXPECT_EQ(facts.commonName, "n1");
  EXPECT_NO_THROW(Authority::load({certificate, request.key}));  // They belong together.
}

std::string rsaRequest() {
  Openssl<EVP_PKEY> key(EVP_RSA_gen(2048));
  Openssl<X509_REQ> request(X509_REQ_new());
  X509_REQ_set_pubkey(request.get(), key.get());
  X509_REQ_sign(request.get(), key.get(), EVP_sha256());
  Openssl<BIO> text(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(text.get(), request.get());
  char* data = nullptr;
  long size = BIO_get_mem_data(text.get(), &data);
  return std::string(data, size);
}

TEST(CertificateTest, WrongRequestsAreRefusedWithTheReason) {
  auto authority = Authority::make("a");
  auto why = [&](const std::string& request) -> std::string {
    try {
      authority.certify(request, "n1", {"n1"}, Purpose::kServer, Validity());
      return "";
    } catch (const PkiError& error) {
      return error.what();
    }
  };
  EXPECT_THAT(why(""), HasSubstr("not a certificate request"));
  EXPECT_THAT(why(authority.certificate()), HasSubstr("not a certificate request"));
  EXPECT_THAT(why(rsaRequest()), HasSubstr("not of P-256"));
  std::string good = makeRequest("n1").request;
  size_t signature = good.rfind('\n', good.find("-----END") - 2) - 10;
  good[signature] = good[signature] == 'A' ? 'B' : 'A';
  EXPECT_NE(why(good), "");
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(DenyListTest, ReadsWhatPeopleWrite) {
  std::string why;
  std::string print(64, 'A');
  auto list = DenyList::fromText(
      "# head\n\nserial 00AB:CD  # ci\nsha256 " + print + "\r\nserial abcd\n", &why);
  ASSERT_TRUE(list) << why;
  EXPECT_EQ(list->size(), 2u);
  EXPECT_TRUE(list->covers({"abcd", ""}));
  EXPECT_TRUE(list->covers({"1", std::string(64, 'a')}));
  EXPECT_FALSE(list->covers({"abc", std::string(64, 'b')}));
}

TEST(DenyListTest, OtherLinesAreRefusedByNumber) {
  for (const char* wrong : {"serial", "serial xyz", "serial 1 2", "sha256 12", "Serial 1", "1234",
                            "serial 12345678901234567890123456789012345678901"}) {
    std::string why;
    EXPECT_FALSE(DenyList::fromText(std::string("serial 1\n") + wrong + "\n", &why)) << wrong;
    EXPECT_THAT(why, HasSubstr("line 2"));
  }
}

class TrustedFileTest : public testing::Test {
 protected:
  TrustedFileTest() {
    char pattern[] = "/tmp/trusted-file-XXXXXX";
    base_ = mkdtemp(pattern);
  }
  ~TrustedFileTest() override { std::filesystem::remove_all(base_); }

  std::string read(const std::string& name) {
    try {
      return readTrustedFile(base_ + name, "file", FileCheck::kStrict, FileSecrecy::kSecret);
    } catch (const std::exception& exception) {
      return exception.what();
    }
  }

  std::string base_;
};

TEST_F(TrustedFileTest, WritesAllOrNothingAndDoesNotReplaceUnasked) {
  writeTrustedFile(base_ + "/a", "one", 0600, Overwrite::kNever);
  EXPECT_THROW(writeTrustedFile(base_ + "/a", "two", 0600, Overwrite::kNever), FileError);
  EXPECT_EQ(read("/a"), "one");
  writeTrustedFile(base_ + "/a", "two", 0600, Overwrite::kYes);
  EXPECT_EQ(read("/a"), "two");
  EXPECT_THROW(writeTrustedFile(base_ + "/none/a", "x", 0600, Overwrite::kYes), FileError);
  size_t files = 0;
  for ([[maybe_unused]] auto& entry : std::filesystem::directory_iterator(base_)) ++files;
  EXPECT_EQ(files, 1u);
}

TEST_F(TrustedFileTest, LinksAndDirectoriesThatOthersWriteAreRefused) {
  writeTrustedFile(base_ + "/a", "one", 0600, Overwrite::kNever);
  std::filesystem::create_symlink(base_ + "/a", base_ + "/link");
  EXPECT_THAT(read("/link"), HasSubstr("is a symbolic link; name the file itself"));
  std::filesystem::create_directory(base_ + "/inner");
  writeTrustedFile(base_ + "/inner/a", "one", 0600, Overwrite::kNever);
  chmod(base_.c_str(), 0777);
  EXPECT_THAT(read("/inner/a"), HasSubstr(base_ + " can be written by others"));
  EXPECT_THROW(writeTrustedFile(base_ + "/inner/b", "x", 0600, Overwrite::kNever), FileError);
  chmod(base_.c_str(), 01777);
  EXPECT_EQ(read("/inner/a"), "one");
  if (geteuid() != 0) return;
  chmod(base_.c_str(), 0755);
  ASSERT_EQ(chown((base_ + "/inner").c_str(), 12345, 0), 0);
  EXPECT_THAT(read("/inner/a"), HasSubstr("belongs to uid 12345"));
}

}  // namespace
}  // namespace support
