#include "nodeagent/sync/message.h"

#include <algorithm>
#include <charconv>

#include "schema/support/base/text.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::sync {
namespace {

using Kind = wire::Error::Kind;

constexpr std::string_view kVersion = "muster-sync-1";
constexpr size_t kIdBytes = 16;
// The words before the data.
constexpr size_t kRequestWords = 8;
constexpr size_t kReplyWords = 2;

constexpr std::string_view kVerbs[] = {"notify", "wait", "barrier", "report"};
constexpr std::string_view kResults[] = {"", "pass", "fail", "skip"};
constexpr std::string_view kReplies[] = {"done", "failed", "refused", "overloaded", "timed-out"};

template <size_t count>
bool find(const std::string_view (&words)[count], std::string_view word, size_t* place) {
  for (size_t i = 0; i < count; ++i) {
    if (words[i] == word) {
      *place = i;
      return true;
    }
  }
  return false;
}

std::string framed(const std::vector<std::string>& words) {
  std::string body;
  for (const std::string& word : words) {
    body += word;
    body += '\0';
  }
  std::string message;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    message += static_cast<char>(body.size() >> (8 * i) & 0xff);
  }
  return message + body;
}

std::vector<std::string> wordsOf(std::string_view message) {
  std::vector<std::string> words;
  while (!message.empty()) {
    size_t end = message.find('\0');
    if (end == std::string_view::npos) {
      support::fail(Kind::INVALID, "message: its last word has no end");
    }
    words.emplace_back(message.substr(0, end));
    message.remove_prefix(end + 1);
  }
  return words;
}

void addData(std::vector<std::string>& words, const SyncData& data) {
  for (const auto& [name, value] : data) words.push_back(name + "=" + value);
}

SyncData dataFrom(const std::vector<std::string>& words, size_t begin) {
  SyncData data;
  for (size_t i = begin; i < words.size(); ++i) {
    size_t equals = words[i].find('=');
    if (equals == std::string::npos) {
      support::fail(Kind::INVALID, "data: \"", support::escaped(words[i].substr(0, 80)).c_str(),
                    "\" has no \"=\"; write KEY=VALUE");
    }
    data.emplace_back(words[i].substr(0, equals), words[i].substr(equals + 1));
  }
  return data;
}

int64_t numberFrom(const std::string& word, const char* what, int64_t max) {
  int64_t number = 0;
  const char* end = word.data() + word.size();
  auto [rest, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc() || rest != end || number < 0 || number > max) {
    support::fail(Kind::INVALID, what, ": \"", support::escaped(word.substr(0, 80)).c_str(),
                  "\" is not a number from 0 to ", max);
  }
  return number;
}

support::Id keyFrom(const std::string& word) {
  support::Id key;
  for (size_t i = 0; i < kIdBytes && word.size() == 2 * kIdBytes; ++i) {
    auto [rest, error] =
        std::from_chars(word.data() + 2 * i, word.data() + 2 * i + 2, key.bytes[i], 16);
    if (error == std::errc() && rest == word.data() + 2 * i + 2) continue;
    support::fail(Kind::INVALID, "key: is not hexadecimal");
  }
  if (word.size() != 2 * kIdBytes) {
    support::fail(Kind::INVALID, "key: ", word.size(), " characters, must be ", 2 * kIdBytes);
  }
  return key;
}

void require(const std::string& fault) {
  if (!fault.empty()) support::fail(Kind::INVALID, fault.c_str());
}

}  // namespace

bool findVerb(std::string_view word, Verb* verb) {
  size_t place = 0;
  if (!find(kVerbs, word, &place)) return false;
  *verb = static_cast<Verb>(place);
  return true;
}

std::string wordOf(Verb verb) {
  return std::string(kVerbs[static_cast<size_t>(verb)]);
}

bool findResult(std::string_view word, Result* result) {
  size_t place = 0;
  if (word.empty() || !find(kResults, word, &place)) return false;
  *result = static_cast<Result>(place);
  return true;
}

std::string encode(const Request& request) {
  std::vector<std::string> words = {
      std::string(kVersion),
      request.key.text(),
      wordOf(request.verb),
      request.name,
      std::to_string(request.limitNs),
      std::to_string(request.count),
      std::string(kResults[static_cast<size_t>(request.result)]),
      request.message,
  };
  addData(words, request.data);
  return framed(words);
}

std::string encode(const Reply& reply) {
  std::vector<std::string> words = {std::string(kReplies[static_cast<size_t>(reply.kind)]),
                                    reply.text};
  addData(words, reply.data);
  return framed(words);
}

size_t lengthOf(std::string_view begin) {
  size_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    length |= size_t{static_cast<unsigned char>(begin[i])} << (8 * i);
  }
  if (length > kMessageBytesMax) {
    support::fail(Kind::INVALID, "message: ", length, " bytes, at most ", kMessageBytesMax);
  }
  return length;
}

Request readRequest(std::string_view message) {
  std::vector<std::string> words = wordsOf(message);
  if (words.empty() || words[0] != kVersion) {
    support::fail(Kind::INVALID, "message: is not of \"", std::string(kVersion).c_str(),
                  "\"; the nodeagent that sent it is of another version than the one that runs");
  }
  if (words.size() < kRequestWords) {
    support::fail(Kind::INVALID, "message: ", words.size(), " words, at least ", kRequestWords);
  }
  Request request;
  request.key = keyFrom(words[1]);
  if (!findVerb(words[2], &request.verb)) {
    support::fail(Kind::INVALID, "verb: \"", support::escaped(words[2].substr(0, 80)).c_str(),
                  "\" is not one of notify, wait, barrier, report");
  }
  request.name = words[3];
  bool isReport = request.verb == Verb::kReport;
  if (!isReport || !request.name.empty()) require(support::whyNoSyncName("name", request.name));
  request.limitNs = numberFrom(words[4], "timeout", kWaitMaxNs);
  request.count = static_cast<uint32_t>(numberFrom(words[5], "count", support::kBarrierCountMax));
  if (!words[6].empty() && !findResult(words[6], &request.result)) {
    support::fail(Kind::INVALID, "result: \"", support::escaped(words[6].substr(0, 80)).c_str(),
                  "\" is not one of pass, fail, skip");
  }
  request.message = words[7];
  if (request.message.size() > support::kSyncMessageBytesMax) {
    support::fail(Kind::INVALID, "message: ", request.message.size(), " bytes, at most ",
                  support::kSyncMessageBytesMax);
  }
  request.data = dataFrom(words, kRequestWords);
  require(support::whyNoSyncData(request.data));
  if (isReport && request.result == Result::kNone && request.data.empty()) {
    support::fail(Kind::INVALID, "report: says nothing; give --result or KEY=VALUE");
  }
  return request;
}

Reply readReply(std::string_view message) {
  std::vector<std::string> words = wordsOf(message);
  size_t kind = 0;
  if (words.size() < kReplyWords || !find(kReplies, words[0], &kind)) {
    support::fail(Kind::INVALID, "reply: is not of this version of nodeagent");
  }
  return {static_cast<Reply::Kind>(kind), words[1], dataFrom(words, kReplyWords)};
}

}  // namespace nodeagent::sync
