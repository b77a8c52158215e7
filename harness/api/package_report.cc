#include "harness/api/package_report.h"

#include <mutex>

#include <gtest/gtest.h>

namespace harness {
namespace {

// The result to which gtest gives a property that is recorded now.
const testing::TestResult& runningResult() {
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  if (all.current_test_info()) return *all.current_test_info()->result();
  if (all.current_test_suite()) return all.current_test_suite()->ad_hoc_test_result();
  return all.ad_hoc_test_result();
}

std::string propertyOf(const testing::TestResult& result, const std::string& key) {
  for (int i = 0; i < result.test_property_count(); ++i) {
    if (key == result.GetTestProperty(i).key()) return result.GetTestProperty(i).value();
  }
  return "";
}

}  // namespace

// gtest keeps the last value of a key.
void reportPackages(const std::string& node, const std::map<std::string, std::string>& versions) {
  if (versions.empty()) return;
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  std::string key = node + ".packages";
  std::string text = propertyOf(runningResult(), key);
  for (const auto& [name, version] : versions) {
    text += (text.empty() ? "" : ", ") + name + " " + version;
  }
  testing::Test::RecordProperty(key, text);
}

}  // namespace harness
