// Comments that have to be parsed: fragments without a subject, and pointers to a value nearby.
#include <regex>

#include "tests_d/muster/tree/comments.h"

namespace tree {

Complaints checkEnglish(const SourceFile& file) {
  static const std::regex kFragment("^ *(Of|Likewise|As above|The same)\\b");
  static const std::regex kPointer("\\b[Ss]o (many|much|long)\\b");
  Complaints complaints;
  for (const Comment& comment : commentsOf(file)) {
    std::smatch match;
    if (std::regex_search(comment.lines.front(), match, kFragment)) {
      complaints.push_back(placeOf(file, comment.line) + "comment begins with \"" + match[1].str() +
                           "\"; begin with the subject");
    }
    for (size_t i = 0; i < comment.lines.size(); ++i) {
      if (!std::regex_search(comment.lines[i], match, kPointer)) continue;
      complaints.push_back(placeOf(file, comment.line + i) + "\"" + match[0].str() +
                           "\" points to a value nearby; name it");
    }
  }
  return complaints;
}

}  // namespace tree
