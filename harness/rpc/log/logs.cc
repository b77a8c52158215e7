#include "harness/rpc/log/logs.h"

#include <algorithm>
#include <sstream>

#include <capnp/message.h>
#include <capnp/serialize.h>

#include "harness/rpc/bytes.h"
#include "harness/rpc/node_calls.h"
#include "schema/log.capnp.h"

namespace harness::rpc {
namespace {

using muster::LogMark;
using muster::LogSource;
using muster::NodeError;

constexpr std::chrono::seconds kWaitMax{10};

// So that the agent answers before our own time is over.
constexpr std::chrono::milliseconds kMargin{100};

// A node takes this long at most for its answer when a wait is over.
constexpr std::chrono::seconds kAnswerMax{5};

// A mark is of this many words at most: the agent makes none that is larger.
constexpr size_t kMarkBytesMax = 8 << 20;

template <typename Value>
std::string printed(const Value& value) {
  std::ostringstream text;
  PrintTo(value, &text);
  return text.str();
}

void write(wire::LogSource::Builder to, const LogSource& source) {
  switch (source.kind()) {
    case LogSource::Kind::kFiles:
      return to.setFiles(dataOf(source.name()));
    case LogSource::Kind::kUnit:
      return to.setUnit(source.name());
    case LogSource::Kind::kKernel:
      return to.setKernel();
    case LogSource::Kind::kContainer:
      return to.setContainer(source.name());
  }
}

LogMark readMark(const std::string& node, const LogSource& source, wire::LogMark::Reader mark) {
  capnp::MallocMessageBuilder message;
  message.setRoot(mark);
  kj::Array<capnp::word> words = capnp::messageToFlatArray(message);
  auto chars = words.asChars();
  return {node, source, std::string(chars.begin(), chars.size())};
}

// Gives `use` the mark's message. Fails with kind invalid for bytes that are none.
template <typename Use>
void withMark(const LogMark& mark, Use&& use) {
  auto words = kj::heapArray<capnp::word>(mark.bytes.size() / sizeof(capnp::word));
  memcpy(words.begin(), mark.bytes.data(), words.asBytes().size());
  auto read = kj::runCatchingExceptions([&]() {
    capnp::FlatArrayMessageReader reader(words);
    use(reader.getRoot<wire::LogMark>());
  });
  KJ_IF_MAYBE (exception, read) {
    support::fail(wire::Error::Kind::INVALID, "mark: its bytes are none that a node has made");
  }
}

void requireMark(const ControllerNode& node, const LogMark& mark) {
  const std::string& name = node.description().name;
  bool isMark = !mark.bytes.empty() && mark.bytes.size() % sizeof(capnp::word) == 0 &&
                mark.bytes.size() <= kMarkBytesMax;
  if (mark.node == name && isMark) return;
  throw NodeError(NodeError::Kind::kInvalid, name, "read a log",
                  mark.node == name ? "the mark has no bytes that a node has made"
                                    : "the mark is of node \"" + mark.node + "\"");
}

template <typename Response>
LogPart readPartOf(const std::string& node, const LogSource& source, Response&& response) {
  LogPart part;
  for (auto line : response.getLines()) {
    part.slice.lines.push_back({node, stringOf(line.getFile()), stringOf(line.getText()),
                                line.getNumber(), line.getOffset(), line.getDevice(),
                                line.getInode(), line.getIsCut(), line.getIsUnfinished()});
  }
  for (auto note : response.getNotes()) {
    part.slice.notes.push_back({node, stringOf(note.getFile()), stringOf(note.getText())});
  }
  part.next = readMark(node, source, response.getNext());
  return part;
}

template <typename Request>
void writePatterns(Request& request, const std::vector<std::string>& patterns) {
  auto to = request.initPatterns(static_cast<unsigned>(patterns.size()));
  for (unsigned i = 0; i < to.size(); ++i) to.set(i, patterns[i]);
}

void append(LogPart&& part, muster::LogSlice& slice, size_t& bytes) {
  for (muster::LogLine& line : part.slice.lines) {
    bytes += line.text.size();
    slice.lines.push_back(std::move(line));
  }
  // What every part finds, such as a directory that cannot be read, is said once.
  for (muster::LogNote& note : part.slice.notes) {
    bool isNew = std::none_of(slice.notes.begin(), slice.notes.end(), [&](const auto& known) {
      return known.file == note.file && known.text == note.text;
    });
    if (isNew) slice.notes.push_back(std::move(note));
  }
}

}  // namespace

LogMark Logs::beginning(const LogSource& source) const {
  capnp::MallocMessageBuilder message;
  auto mark = message.initRoot<wire::LogMark>();
  switch (source.kind()) {
    case LogSource::Kind::kFiles:
      mark.initFiles(0);
      break;
    case LogSource::Kind::kUnit:
      mark.setJournal("");
      break;
    case LogSource::Kind::kKernel:
      mark.setKernel(0);
      break;
    case LogSource::Kind::kContainer:
      mark.setUnspecified();
      break;
  }
  return readMark(node_.description().name, source, mark);
}

LogMark Logs::mark(const LogSource& source, SteadyTime until) const {
  const std::string& name = node_.description().name;
  return ask<LogMark>(node_, "mark " + printed(source), until,
                      [&](EstablishedConnection& connection) {
                        auto request = connection.get<wire::Logs>().markRequest();
                        write(request.initSource(), source);
                        return request.send().then([&](auto&& response) {
                          requireNoError(response);
                          return readMark(name, source, response.getMark());
                        });
                      });
}

LogPart Logs::readPart(const LogMark& from, const std::optional<LogMark>& to,
                       const std::vector<std::string>& patterns, SteadyTime until) const {
  requireMark(node_, from);
  if (to) requireMark(node_, *to);
  const std::string& name = node_.description().name;
  return ask<LogPart>(node_, "read " + printed(from.source), until,
                      [&](EstablishedConnection& connection) {
                        auto request = connection.get<wire::Logs>().readRequest();
                        write(request.initSource(), from.source);
                        withMark(from, [&](wire::LogMark::Reader mark) { request.setFrom(mark); });
                        if (to)
                          withMark(*to, [&](wire::LogMark::Reader mark) { request.setTo(mark); });
                        writePatterns(request, patterns);
                        return request.send().then([&](auto&& response) {
                          requireNoError(response);
                          LogPart part = readPartOf(name, from.source, response);
                          part.hasMore = response.getMore();
                          return part;
                        });
                      });
}

muster::LogSlice Logs::read(const LogMark& from, const std::optional<LogMark>& to,
                            const std::vector<std::string>& patterns, SteadyTime until) const {
  muster::LogSlice slice;
  size_t bytes = 0;
  LogMark at = from;
  for (;;) {
    LogPart part = readPart(at, to, patterns, until);
    bool hasMore = part.hasMore;
    at = part.next;
    append(std::move(part), slice, bytes);
    slice.end = to.value_or(at);
    if (!hasMore) return slice;
    if (slice.lines.size() < kLinesMax && bytes < kBytesMax) continue;
    slice.notes.push_back({from.node, from.source.name(),
                           "the slice has more than " + std::to_string(kLinesMax) + " lines or " +
                               std::to_string(kBytesMax >> 20) + " MiB; the rest was not read"});
    return slice;
  }
}

LogPart Logs::await(const LogMark& from, const std::vector<std::string>& patterns, SteadyTime until,
                    SteadyTime limit) const {
  requireMark(node_, from);
  const std::string& name = node_.description().name;
  SteadyTime answerBy = std::min(limit, until + kAnswerMax);
  LogPart whole;
  whole.next = from;
  do {
    LogMark at = whole.next;
    LogPart part = ask<LogPart>(
        node_, "wait for lines of " + printed(from.source), answerBy,
        [&](EstablishedConnection& connection) {
          std::chrono::nanoseconds left = until - kMargin - std::chrono::steady_clock::now();
          auto wait = std::clamp<std::chrono::nanoseconds>(left, left.zero(), kWaitMax);
          auto request = connection.get<wire::Logs>().awaitRequest();
          write(request.initSource(), at.source);
          withMark(at, [&](wire::LogMark::Reader mark) { request.setFrom(mark); });
          writePatterns(request, patterns);
          request.setWaitNs(wait.count());
          return request.send().then([&](auto&& response) {
            requireNoError(response);
            return readPartOf(name, at.source, response);
          });
        });
    size_t bytes = 0;
    whole.next = part.next;
    append(std::move(part), whole.slice, bytes);
  } while (whole.slice.lines.empty() && std::chrono::steady_clock::now() + kMargin < until);
  return whole;
}

}  // namespace harness::rpc
