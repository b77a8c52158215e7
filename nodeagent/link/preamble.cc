#include "nodeagent/link/preamble.h"

#include <string.h>

#include <kj/debug.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;

// Begins the preamble: magic, role, and the lengths of identity and address, which follow it.
struct PreambleHeader {
  char magic[8];
  uint16_t role;
  uint16_t identityBytes;
  uint16_t addressBytes;
  uint16_t reserved;
};

constexpr char kMagic[8] = {'m', 'u', 's', 't', 'e', 'r', '-', '1'};
constexpr size_t kTextBytesMax = 256;
constexpr kj::Duration kPreambleLimit = 5 * kj::SECONDS;

}  // namespace

std::string preambleOf(const Peer& peer) {
  PreambleHeader header{};
  memcpy(header.magic, kMagic, sizeof kMagic);
  std::string identity = peer.identity.name.substr(0, kTextBytesMax);
  std::string address = peer.address.substr(0, kTextBytesMax);
  header.role = static_cast<uint16_t>(peer.identity.role);
  header.identityBytes = static_cast<uint16_t>(identity.size());
  header.addressBytes = static_cast<uint16_t>(address.size());
  return std::string(reinterpret_cast<const char*>(&header), sizeof header) + identity + address;
}

kj::Promise<Peer> readPreamble(kj::AsyncInputStream& input, kj::Timer& timer) {
  struct State {
    PreambleHeader header;
    std::string text;
  };
  auto state = kj::heap<State>();
  State& into = *state;
  auto late = timer.afterDelay(kPreambleLimit).then([]() -> Peer {
    support::fail(Kind::TIMEOUT, "the front sent no preamble");
  });
  return input.read(&into.header, sizeof into.header)
      .then([&into, &input]() {
        const PreambleHeader& header = into.header;
        if (memcmp(header.magic, kMagic, sizeof kMagic) != 0 ||
            header.identityBytes > kTextBytesMax || header.addressBytes > kTextBytesMax ||
            header.role > static_cast<uint16_t>(wire::Role::ADMIN)) {
          support::fail(Kind::INVALID, "not a preamble of this version's front");
        }
        into.text.resize(header.identityBytes + header.addressBytes);
        return input.read(into.text.data(), into.text.size());
      })
      .then([&into]() {
        size_t split = into.header.identityBytes;
        return Peer{{into.text.substr(0, split), static_cast<wire::Role>(into.header.role)},
                    into.text.substr(split)};
      })
      .exclusiveJoin(kj::mv(late))
      .attach(kj::mv(state));
}

}  // namespace nodeagent
