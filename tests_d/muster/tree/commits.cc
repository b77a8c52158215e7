// Subjects of commits. Their bodies are the reviewer's business.
#include <regex>

#include "tests_d/muster/tree/tidy.h"

namespace tree {

constexpr size_t kSubjectCharactersMax = 60;

Complaints checkSubject(const std::string& commit, const std::string& subject) {
  Complaints complaints;
  // The README is the one file at the top whose name is not lower-case.
  static const std::regex kAreaAndChange(
      "(README|[a-z.][a-z0-9_./*-]*)(, (README|[a-z.][a-z0-9_./*-]*))*: \\S.*");
  std::string where = commit + ": \"" + subject + "\" ";
  if (!std::regex_match(subject, kAreaAndChange)) {
    complaints.push_back(where + "is not \"area: what changes\", with a lower-case area");
  }
  if (charactersOf(subject) > kSubjectCharactersMax) {
    complaints.push_back(where + "has " + std::to_string(charactersOf(subject)) +
                         " characters; at most " + std::to_string(kSubjectCharactersMax));
  }
  if (endsWith(subject, ".")) complaints.push_back(where + "ends with a full stop");
  return complaints;
}

}  // namespace tree
