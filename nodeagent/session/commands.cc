#include "nodeagent/session/commands.h"

#include <utility>

#include "schema/support/base/text.h"

namespace nodeagent {
namespace {

constexpr size_t kTextBytesMax = 200;

std::string textOf(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    text += support::printable(support::beginningOf(word, kTextBytesMax + 1));
    if (text.size() <= kTextBytesMax) continue;
    return std::string(support::beginningOf(text, kTextBytesMax)) + " ...";
  }
  return text;
}

}  // namespace

Commands::Entry::Entry(Commands& commands, kj::Own<Command> command)
    : commands_(commands), command_(kj::mv(command)) {
  commands_.byKey_[command_->key()] = command_.get();
  commands_.byNumber_[{command_->session().id(), command_->number()}] = command_.get();
}

Commands::Entry::~Entry() noexcept(false) {
  commands_.byKey_.erase(command_->key());
  auto& former = commands_.former_;
  former.push_back(kj::mv(command_));
  if (former.size() <= kFormerMax) return;
  Command& oldest = *former.front();
  auto found = commands_.byNumber_.find({oldest.session().id(), oldest.number()});
  if (found != commands_.byNumber_.end() && found->second == &oldest) {
    commands_.byNumber_.erase(found);
  }
  former.pop_front();
}

kj::String Commands::Entry::proof() const {
  if (commands_.socket_.size() == 0) return kj::String();
  return kj::str(command_->key().text().c_str(), "@", commands_.socket_);
}

void Commands::Entry::end(CommandEnd end) {
  if (command_->end_ != nullptr) return;
  command_->end_ = kj::mv(end);
  commands_.told_(*command_);
}

kj::Own<Commands::Entry> Commands::enter(Session& session, uint64_t number,
                                         const std::vector<std::string>& words) {
  return kj::heap<Entry>(*this, kj::refcounted<Command>(session, number, textOf(words)));
}

kj::Maybe<Command&> Commands::findByKey(const support::Id& key) {
  auto found = byKey_.find(key);
  if (found == byKey_.end()) return nullptr;
  return *found->second;
}

kj::Maybe<Command&> Commands::find(const support::Id& session, uint64_t number) {
  auto found = byNumber_.find({session, number});
  if (found == byNumber_.end()) return nullptr;
  return *found->second;
}

}  // namespace nodeagent
