// Keeps the explanation of a mismatch for gtest, which asks a matcher twice.
//
//   return explanation_.match(&node, listener, [&](auto* explanation) { … });
//
// It is a part of Muster's matchers that act on nodes. Tests need it only for such matchers of
// their own.
//
// Things to get right:
//   * It is not for several threads.
//   * The subject is known by its address. A matcher that is used again for another subject at the
//     same address is right, since an explanation is given away once.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <gmock/gmock.h>

namespace muster {
namespace internal {

// Answers gtest's second question. gtest asks a matcher that did not match once more, for its
// explanation. To look again would cost the time of a failure twice and might tell of something
// else, so the first explanation is kept, and given away once. gtest does not copy matchers in
// between.
class FirstExplanation {
 public:
  // Matches by `look`, which is given a listener and returns whether it matched, unless the answer
  // about `subject` is kept. Only a mismatch is, until it has been explained.
  template <typename Look>
  bool match(const void* subject, testing::MatchResultListener* listener, Look&& look) const {
    bool kept = kept_ && subject_ == subject && listener->IsInterested();
    std::optional<std::string> text = std::exchange(kept_, std::nullopt);
    bool matched = false;
    if (!kept) {
      testing::StringMatchResultListener explanation;
      matched = look(&explanation);
      text = explanation.str();
    }
    if (matched || listener->IsInterested()) {
      *listener << *text;
    } else {
      kept_ = std::move(text);
      subject_ = subject;
    }
    return matched;
  }

 private:
  mutable std::optional<std::string> kept_;
  mutable const void* subject_ = nullptr;
};

}  // namespace internal
}  // namespace muster
