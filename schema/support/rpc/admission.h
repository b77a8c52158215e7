// Who may begin a connection now: limits on those that have not proved themselves yet, and
// penalties for addresses from which others failed to. Knows no sockets; the clock is the caller's.
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

// "10.1.0.0/16", "fd77::/64", or one address.
class AddressRange {
 public:
  // Nullopt if it is none of these; `*why` then tells what would be right.
  static std::optional<AddressRange> fromText(std::string_view text, std::string* why);

  // Never for a unix socket.
  bool covers(const sockaddr_storage& address) const;

 private:
  std::array<uint8_t, 16> bytes_{};  // IPv4 as ::ffff:a.b.c.d.
  size_t bits_ = 0;
};

// Ranges with commas between them; empty: none.
std::optional<std::vector<AddressRange>> addressRanges(std::string_view text, std::string* why);

// What limits and penalties are counted by: an IPv4 address, the first 64 bits of an IPv6 one,
// which a single machine can change as it likes, or "unix".
std::string sourceOf(const sockaddr_storage& address);

struct AdmissionLimits {
  size_t strangersMax = 32;  // Over the network; as many more over unix sockets.
  size_t strangersPerSourceMax = 8;
  // From here on the more of them are turned away at random the more there are, so that one who
  // fills the places cannot keep everybody out.
  size_t dropFrom = 16;
  kj::Duration penaltyMin = 5 * kj::SECONDS;    // For the first failure.
  kj::Duration penaltyMax = 600 * kj::SECONDS;  // Each failure doubles it up to here.
  size_t penaltiesMax = 4096;                   // Sources remembered; the mildest goes first.
};

class Admission {
 public:
  // `percent` gives a random number from 0 to 99.
  Admission(AdmissionLimits limits, std::vector<AddressRange> exempt,
            kj::Function<uint32_t()> percent);

  // Why this one may not begin, or nothing. If it may, call enter().
  kj::Maybe<kj::StringPtr> refusal(const sockaddr_storage& address, kj::TimePoint now);

  // A connection that has not proved itself has begun, and is not one of those any more.
  void enter(const std::string& source);
  void leave(const std::string& source);

  // Somebody there has shown a certificate that is refused, or none. Exempt addresses and unix
  // sockets are never penalized.
  void penalize(const sockaddr_storage& address, kj::TimePoint now);

  size_t strangerCount() const { return network_ + local_; }
  size_t penaltyCount() const { return penalties_.size(); }

 private:
  struct Penalty {
    kj::TimePoint until;
    kj::Duration length;
  };
  void makeRoom(kj::TimePoint now);

  AdmissionLimits limits_;
  std::vector<AddressRange> exempt_;
  kj::Function<uint32_t()> percent_;
  size_t network_ = 0;
  size_t local_ = 0;
  std::map<std::string, size_t> strangers_;  // By source.
  std::map<std::string, Penalty> penalties_;
};

}  // namespace support
