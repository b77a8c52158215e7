// Tries which texts are taken for secrets, and that ordinary ones stay.
#include "schema/support/base/redact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace support {
namespace {

using testing::ElementsAre;

TEST(RedactTest, ReplacesTextsInTheFormOfASecret) {
  struct Case {
    const char* text;
    const char* wanted;
  };
  for (const Case& each :
       {Case{"password=hunter2", "password=<secret>"},
        Case{"DB_PASSWORD='hunter2' run", "DB_PASSWORD='<secret>' run"},
        Case{"export API_TOKEN=abc; make", "export API_TOKEN=<secret>; make"},
        Case{"{\\\"secret\\\": \\\"abc\\\"}", "{\\\"secret\\\": \\\"<secret>\"}"},
        Case{"aws_secret_access_key = abc", "aws_secret_access_key = <secret>"},
        Case{"aws_secret_access_key=abc/d", "aws_secret_access_key=<secret>"},
        Case{"Authorization: Bearer abc.def", "Authorization: Bearer <secret>"},
        Case{"Authorization: Basic dXNlcg==", "Authorization: Basic <secret>"},
        Case{"https://u:hunter2@host/x", "https://<secret>@host/x"},
        Case{"https://host/?token=abc&x=1", "https://host/?token=<secret>&x=1"},
        Case{"key AKIAIOSFODNN7EXAMPLE end", "key <secret> end"},
        Case{"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "<secret>"},
        Case{"eyJhbGciOi.eyJzdWIi.abc_-x end", "<secret> end"},
        Case{"ghp_0123456789abcdef", "<secret>"},
        Case{"a -----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY----- b", "a <secret> b"},
        Case{"-----BEGIN PRIVATE KEY-----\nMII", "<secret>"}}) {
    EXPECT_EQ(redacted(each.text), each.wanted);
  }
}

TEST(RedactTest, LeavesTheRestAlone) {
  for (const char* text :
       {"", "dd if=/dev/zero of=/mnt/x bs=1M", "http://host:80/a@b", "secretary went home",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709", "/usr/lib/x86/0123456789/ABCDEFGHIJ/abcdef",
        "token", "-----", "eyJ", "session ends identity=operator:ci", "password: "}) {
    EXPECT_EQ(redacted(text), text);
  }
}

TEST(RedactTest, ReplacesWordsBehindOptionsAndWholeValues) {
  EXPECT_THAT(redactedWords({"mysql", "--password", "a b", "-h", "x"}),
              ElementsAre("mysql", "--password", "<secret>", "-h", "x"));
  EXPECT_THAT(redactedWords({"env", "DB_PASSWORD=a b; c", "--auth-token=a b", "run"}),
              ElementsAre("env", "DB_PASSWORD=<secret>", "--auth-token=<secret>", "run"));
  EXPECT_THAT(redactedWords({"sh", "-c", "x --password=a; y"}),
              ElementsAre("sh", "-c", "x --password=<secret>; y"));
}

}  // namespace
}  // namespace support
