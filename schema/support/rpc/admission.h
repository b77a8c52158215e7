// Decides whether an address may begin a connection now: it limits the connections that have not
// proved themselves yet, and gives penalties to addresses from which proof failed. It knows no
// sockets; the clock is the caller's.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kj/function.h>
#include <kj/string.h>
#include <kj/time.h>

namespace support {

// A range of addresses, such as "10.1.0.0/16" or "fd77::/64", or one address.
class AddressRange {
 public:
  // Returns nullopt if `text` is no range; `*why` then says what would be right.
  static std::optional<AddressRange> fromText(std::string_view text, std::string* why);

  // Returns whether the range holds `address`; false for a unix socket.
  bool covers(const sockaddr_storage& address) const;

 private:
  // IPv4 is kept as ::ffff:a.b.c.d.
  std::array<uint8_t, 16> bytes_{};
  size_t bits_ = 0;
};

// Reads ranges with commas between them; an empty text means none.
std::optional<std::vector<AddressRange>> addressRanges(std::string_view text, std::string* why);

// Returns the key by which limits and penalties count: an IPv4 address, the first 64 bits of an
// IPv6 one (the rest a single machine can change as it likes), or "unix".
std::string sourceOf(const sockaddr_storage& address);

// A stranger is a connection that has not proved itself yet.
struct AdmissionLimits {
  // Bounds strangers over the network, and separately those over unix sockets.
  size_t strangersMax = 32;
  size_t strangersPerSourceMax = 8;
  // Above this count strangers are refused at random, the more of them the likelier, so that a peer
  // that fills the places cannot keep everybody out.
  size_t dropFrom = 16;
  // The penalty for the first failure; each further one doubles it, up to penaltyMax.
  kj::Duration penaltyMin = 5 * kj::SECONDS;
  kj::Duration penaltyMax = 600 * kj::SECONDS;
  // Bounds the sources that are remembered; the mildest penalty is forgotten first.
  size_t penaltiesMax = 4096;
  // Further places for sources from which a connection has proved itself within this time.
  size_t reserve = 16;
  kj::Duration knownFor = 3600 * kj::SECONDS;
  // Bounds such sources; the one that proved itself the longest ago is forgotten first.
  size_t knownMax = 1024;
};

class Admission {
 public:
  // `percent` gives a random number from 0 to 99.
  Admission(AdmissionLimits limits, std::vector<AddressRange> exempt,
            kj::Function<uint32_t()> percent);

  // Returns why a connection from `address` may not begin, or nothing. If it may, call enter(),
  // after the end of its source's oldest stranger if mustDisplace() says so.
  //
  // A source that is known, because a connection from it has proved itself, is not kept out by
  // others: it has the reserve, and its own idle strangers give way. Those that prove themselves do
  // so soon, so the oldest is the idlest.
  kj::Maybe<kj::StringPtr> refusal(const sockaddr_storage& address, kj::TimePoint now);
  bool mustDisplace(const std::string& source, kj::TimePoint now) const;

  // Count a stranger that begins, and one that has gone or proved itself.
  void enter(const std::string& source);
  void leave(const std::string& source);

  // Notes that a connection from `source` has proved itself.
  void proved(const std::string& source, kj::TimePoint now);

  // Penalizes an address that has shown a refused certificate or none. Exempt addresses and unix
  // sockets are never penalized.
  void penalize(const sockaddr_storage& address, kj::TimePoint now);

  size_t strangerCount() const { return network_ + local_; }
  size_t penaltyCount() const { return penalties_.size(); }

 private:
  struct Penalty {
    kj::TimePoint until;
    kj::Duration length;
  };
  void forgetMildest(kj::TimePoint now);
  bool isKnown(const std::string& source, kj::TimePoint now) const;
  size_t strangersOf(const std::string& source) const;

  AdmissionLimits limits_;
  std::vector<AddressRange> exempt_;
  kj::Function<uint32_t()> percent_;
  size_t network_ = 0;
  size_t local_ = 0;
  // Counts strangers by source.
  std::map<std::string, size_t> strangers_;
  std::map<std::string, Penalty> penalties_;
  // The last proof of each source.
  std::map<std::string, kj::TimePoint> known_;
};

}  // namespace support
