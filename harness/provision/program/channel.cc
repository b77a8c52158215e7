#include "harness/provision/program/channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "harness/os/error.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

using Kind = ProvisionError::Kind;

constexpr std::chrono::milliseconds kTick{100};
constexpr size_t kErrorTextMax = 4096;
constexpr size_t kShownMax = 200;
constexpr size_t kKeysMax = 100;

void makeNonBlocking(int fd) {
  check(::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK), "fcntl");
}

std::vector<DescribedKey> keysIn(const ProtocolJson& description, const char* name) {
  std::vector<DescribedKey> keys;
  if (!description.contains(name)) return keys;
  for (const ProtocolJson& key : description.at(name)) {
    if (keys.size() == kKeysMax) throw std::invalid_argument("it has too many keys");
    keys.push_back({key.at("name").get<std::string>(), key.value("required", false),
                    key.value("example", ""), key.value("spreads", false)});
  }
  return keys;
}

std::string endingText(int status) {
  if (WIFSIGNALED(status)) return "was killed by signal " + std::to_string(WTERMSIG(status));
  return "ended with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

bool ProgramDescription::can(const char* ability) const {
  return std::find(abilities.begin(), abilities.end(), ability) != abilities.end();
}

ProgramChannel::ProgramChannel(std::string path, std::string kind, Options options)
    : path_(std::move(path)), kind_(std::move(kind)), options_(options) {
  // A socket instead of a pipe: writing to a program that has ended raises no signal.
  int ends[2];
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
  input_ = Fd(ends[0]);
  Fd theirInput(ends[1]);
  Pipe output = makePipe();
  Pipe errors = makePipe();
  SpawnOptions spawning{.argv = {path_},
                        .input = theirInput.get(),
                        .output = output.writeEnd.get(),
                        .errors = errors.writeEnd.get(),
                        .others = OtherDescriptors::kClosed,
                        .session = Session::kOwn,
                        .dispositions = Dispositions::kDefault};
  try {
    child_ = spawn(spawning);
  } catch (const SystemError& error) {
    throw ProvisionError(Kind::kNotPossibleHere, program() + ": " + error.what());
  }
  output_ = std::move(output.readEnd);
  errors_ = std::move(errors.readEnd);
  for (int fd : {input_.get(), output_.get(), errors_.get()}) makeNonBlocking(fd);
  theirInput.reset();
  output.writeEnd.reset();
  errors.writeEnd.reset();
  try {
    readDescription();
  } catch (...) {
    breakOff();
    throw;
  }
}

ProgramChannel::~ProgramChannel() {
  end();
}

void ProgramChannel::end() {
  input_.reset();
  if (child_.pid() == 0) return;
  Deadline deadline = after(options_.endTime);
  // Whatever it still says is read, since a program that cannot write does not end.
  while (!hasEndedOutput_ && millisecondsUntil(deadline) > 0) {
    exchange(deadline);
    received_.clear();
  }
  child_.endBy(deadline);
}

// Ends a program that has not kept to the protocol, with what it has started, so that nothing more
// is expected of it.
void ProgramChannel::breakOff() {
  input_.reset();
  if (child_.pid() == 0) return;
  ::kill(-child_.pid(), SIGKILL);
  child_.endBy(after(std::chrono::seconds(0)));
}

std::string ProgramChannel::program() const {
  return std::filesystem::path(path_).filename();
}

std::string ProgramChannel::lastWords() const {
  if (errorText_.empty()) return "";
  std::string text = errorText_;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  size_t begin = text.size() > 1000 ? text.size() - 1000 : 0;
  text = text.substr(begin);
  std::replace(text.begin(), text.end(), '\n', '|');
  return "; its last words: " + support::printable(text);
}

void ProgramChannel::failSilent(const std::string& attempt, std::chrono::seconds time) {
  breakOff();
  throw ProvisionError(Kind::kNoAnswer, program() + " did not " + attempt + " within " +
                                            std::to_string(time.count()) + " s, and was ended" +
                                            lastWords());
}

void ProgramChannel::failEnded(const std::string& attempt) {
  input_.reset();
  std::string ending = "has closed its output";
  // An end that follows at once is the reason.
  if (auto status = child_.awaitEnd(after(std::chrono::seconds(1)))) ending = endingText(*status);
  readErrors();
  breakOff();
  throw ProvisionError(program() + " " + ending + " and did not " + attempt + lastWords());
}

void ProgramChannel::failNonsense(const std::string& what, const std::string& line) {
  breakOff();
  throw ProvisionError(program() + ": line " + std::to_string(lines_) + " of its output " + what +
                       ": \"" + support::escaped(support::beginningOf(line, kShownMax)) + "\"" +
                       lastWords());
}

void ProgramChannel::readErrors() {
  char buffer[4096];
  while (errors_) {
    ssize_t count = ::read(errors_.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      errors_.reset();
      return;
    }
    errorText_.append(buffer, static_cast<size_t>(count));
    if (errorText_.size() > 2 * kErrorTextMax) {
      errorText_.erase(0, errorText_.size() - kErrorTextMax);
    }
  }
}

void ProgramChannel::exchange(Deadline until) {
  pollfd all[4] = {{output_.get(), POLLIN, 0},
                   {errors_ ? errors_.get() : -1, POLLIN, 0},
                   {unsent_.empty() || !input_ ? -1 : input_.get(), POLLOUT, 0},
                   {child_.handle(), POLLIN, 0}};
  if (::poll(all, 4, millisecondsUntil(until)) <= 0) return;
  if (all[1].revents != 0) readErrors();
  if (all[2].revents != 0) {
    ssize_t count = ::send(input_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    // A program that reads no more is found by its output.
    if (count < 0 && errno != EINTR && errno != EAGAIN) unsent_.clear();
    if (count > 0) unsent_.erase(0, static_cast<size_t>(count));
  }
  // Whatever the program has started may have its output and keep it open, so that its end counts.
  if (all[0].revents == 0) {
    if (all[3].revents != 0) hasEndedOutput_ = true;
    return;
  }
  char buffer[65536];
  ssize_t count = ::read(output_.get(), buffer, sizeof buffer);
  if (count > 0) received_.append(buffer, static_cast<size_t>(count));
  if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) hasEndedOutput_ = true;
}

std::string ProgramChannel::nextLine(Deadline until) {
  while (true) {
    size_t end = received_.find('\n');
    if (end != std::string::npos) {
      std::string line = received_.substr(0, end);
      received_.erase(0, end + 1);
      ++lines_;
      return line.empty() ? " " : line;
    }
    if (received_.size() > kProtocolLineMax) {
      ++lines_;
      failNonsense("is longer than " + std::to_string(kProtocolLineMax >> 20) + " MiB", received_);
    }
    if (hasEndedOutput_) failEnded(attempt_);
    if (millisecondsUntil(until) == 0) return "";
    exchange(until);
  }
}

ProtocolJson ProgramChannel::parse(const std::string& line) {
  ProtocolJson json = ProtocolJson::parse(line, nullptr, false);
  if (!json.is_object()) failNonsense("is no JSON object", line);
  return json;
}

void ProgramChannel::readDescription() {
  std::string line = nextLine(after(options_.startTime));
  if (line.empty()) failSilent(attempt_, options_.startTime);
  ProtocolJson json = parse(line);
  try {
    int version = json.at("protocol").get<int>();
    if (version != kProtocolVersion) {
      failNonsense("says protocol " + std::to_string(version) + ", and this Muster speaks " +
                       std::to_string(kProtocolVersion),
                   line);
    }
    description_.kind = json.at("kind").get<std::string>();
    description_.clusterKeys = keysIn(json, "cluster_keys");
    description_.nodeKeys = keysIn(json, "node_keys");
    if (json.contains("abilities")) json.at("abilities").get_to(description_.abilities);
  } catch (const nlohmann::json::exception& error) {
    failNonsense(std::string("does not describe a kind: ") + error.what(), line);
  } catch (const std::invalid_argument& error) {
    failNonsense(std::string("does not describe a kind: ") + error.what(), line);
  }
  if (description_.kind != kind_) {
    failNonsense("describes the kind \"" + description_.kind + "\" instead of \"" + kind_ + "\"",
                 line);
  }
}

ProtocolJson ProgramChannel::ask(ProtocolJson request, const Watcher& watcher) {
  attempt_ = "answer \"" + request.at("do").get<std::string>() + "\"";
  if (!input_) throw ProvisionError(Kind::kNoAnswer, program() + " has been ended");
  request["id"] = ++requests_;
  unsent_ = request.dump(-1, ' ', false, ProtocolJson::error_handler_t::replace) + "\n";
  Deadline total = after(options_.total);
  Deadline silence = after(options_.silence);
  while (true) {
    std::string line = nextLine(std::min({total, silence, after(kTick)}));
    if (line.empty()) {
      if (millisecondsUntil(total) == 0) failSilent(attempt_, options_.total);
      if (millisecondsUntil(silence) == 0) failSilent(attempt_, options_.silence);
      if (watcher) watcher(ProtocolJson::object());
      continue;
    }
    silence = after(options_.silence);
    ProtocolJson json = parse(line);
    if (json.value("id", ProtocolJson()) != requests_) {
      failNonsense("does not answer request " + std::to_string(requests_), line);
    }
    if (json.contains("ok")) return json["ok"];
    if (!json.contains("error")) {
      if (!json.contains("progress") && !json.contains("keep")) {
        failNonsense("has neither ok, error, progress nor keep", line);
      }
      if (watcher) watcher(json);
      continue;
    }
    failAs(json["error"], line);
  }
}

void ProgramChannel::failAs(const ProtocolJson& error, const std::string& line) {
  std::string kind, detail, node, at;
  try {
    detail = error.at("detail").get<std::string>();
    kind = error.value("kind", "");
    node = error.value("node", "");
    at = error.value("at", "");
  } catch (const nlohmann::json::exception&) {
    failNonsense("is an error without a detail", line);
  }
  if (kind == kBadPlanWord) throw BadPlanError(at, detail);
  throw ProvisionError(errorKindOf(kind), detail, node);
}

}  // namespace harness
