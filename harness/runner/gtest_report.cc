#include "harness/runner/gtest_report.h"

#include <cstring>

#include <pugixml.hpp>

#include "harness/os/error.h"
#include "harness/os/files.h"
#include "schema/support/base/text.h"

namespace harness::runner {
namespace {

using run::Outcome;

LiveTest testOf(pugi::xml_node test) {
  LiveTest live{.name = std::string(test.attribute("classname").value()) + "." +
                        test.attribute("name").value(),
                .hasBegun = true,
                .hasEnded = true,
                .outcome = Outcome::kPassed,
                .seconds = test.attribute("time").as_double()};
  if (std::strcmp(test.attribute("result").value(), "skipped") == 0) {
    live.outcome = Outcome::kSkipped;
    live.because = test.child("skipped").attribute("message").value();
  }
  if (pugi::xml_node failure = test.child("failure")) {
    live.outcome = Outcome::kFailed;
    live.text = failure.attribute("message").value();
  }
  return live;
}

}  // namespace

std::vector<LiveTest> testsInReport(const std::string& path) {
  pugi::xml_document document;
  // The texts of failures may hold bytes of nodes.
  if (!document.load_string(support::xmlRepaired(readIfPresent(path)).c_str())) return {};
  std::vector<LiveTest> tests;
  for (pugi::xml_node suite : document.child("testsuites").children("testsuite")) {
    for (pugi::xml_node test : suite.children("testcase")) {
      if (std::strcmp(test.attribute("status").value(), "run") == 0) tests.push_back(testOf(test));
    }
  }
  return tests;
}

}  // namespace harness::runner
