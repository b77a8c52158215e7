// Knows the commands of sessions that run on this node, so that a service can tell to which command
// a process belongs that asks it for something. The service that runs commands enters them; this
// neither starts nor ends them.
//
// A process proves itself by the command's key, which only processes of that command find in their
// environment.
#pragma once

#include <stdint.h>

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <kj/common.h>
#include <kj/function.h>
#include <kj/refcount.h>
#include <kj/string.h>

#include "nodeagent/session/session.h"
#include "schema/support/base/id.h"

namespace nodeagent {

// Says how a command's first process ended, such as "was killed by SIGKILL", and the last bytes of
// its two streams.
struct CommandEnd {
  kj::String how;
  kj::String output;
  kj::String errors;
};

class Command final : public kj::Refcounted {
 public:
  Command(Session& session, uint64_t number, std::string text)
      : session_(session.whole().addRef()), number_(number), text_(std::move(text)) {}

  // Returns the whole session to which the command belongs, perhaps by a scope of it. Numbers are
  // unique in it.
  Session& session() const { return *session_; }
  uint64_t number() const { return number_; }

  // Returns the command for people, in one line.
  const std::string& text() const { return text_; }

  // Returns 128 random bits.
  const support::Id& key() const { return key_; }

  // Asks that Commands::onEnd is told of the command's end within 20 ms. Without it, nobody is told
  // before the command's output has ended.
  void watch() { isWatched_ = true; }
  bool isWatched() const { return isWatched_; }

  // Null while the command runs.
  kj::Maybe<const CommandEnd&> end() const {
    return end_.map([](const CommandEnd& end) -> const CommandEnd& { return end; });
  }

 private:
  friend class Commands;

  mutable kj::Own<Session> session_;
  const uint64_t number_;
  const std::string text_;
  const support::Id key_ = support::Id::random();
  bool isWatched_ = false;
  kj::Maybe<CommandEnd> end_;
};

// Belongs to the keeper's thread.
class Commands final {
 public:
  // How many commands are found by their number when no process of them is left.
  static constexpr size_t kFormerMax = 64;

  Commands() = default;
  KJ_DISALLOW_COPY(Commands);

  // Keeps a command known. Its destruction means that no process of the command is left. The
  // Commands outlive it.
  class Entry {
   public:
    Entry(Commands& commands, kj::Own<Command> command);
    ~Entry() noexcept(false);
    KJ_DISALLOW_COPY(Entry);

    const Command& command() const { return *command_; }

    // Returns what goes behind the mark of the command's processes in their environment: key and
    // socket. Empty if nobody serves them.
    kj::String proof() const;

    // Tells that the first process has ended. Only the first call counts.
    void end(CommandEnd end);

   private:
    Commands& commands_;
    kj::Own<Command> command_;
  };

  // Enters a command that is about to be launched. `words` are its arguments, where words that look
  // like secrets are replaced; a text of 200 bytes of them is kept.
  kj::Own<Entry> enter(Session& session, uint64_t number, const std::vector<std::string>& words);

  // Finds a command of which a process may run. Null: there is none.
  kj::Maybe<Command&> findByKey(const support::Id& key);

  // Finds a command of which a process may run, or one of the last that ran.
  kj::Maybe<Command&> find(const support::Id& session, uint64_t number);

  // Sets the unix socket on which processes of commands are served.
  void serveAt(kj::StringPtr socket) { socket_ = kj::str(socket); }

  // Sets who is told when a command has ended.
  void onEnd(kj::Function<void(Command&)> told) { told_ = kj::mv(told); }

 private:
  using Number = std::pair<support::Id, uint64_t>;

  std::map<support::Id, Command*> byKey_;
  std::map<Number, Command*> byNumber_;
  // The newest is the last.
  std::deque<kj::Own<Command>> former_;
  kj::String socket_;
  kj::Function<void(Command&)> told_ = [](Command&) {};
};

}  // namespace nodeagent
