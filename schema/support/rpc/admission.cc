#include "schema/support/rpc/admission.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include <algorithm>
#include <charconv>

#include <kj/debug.h>

namespace support {
namespace {

constexpr std::string_view kUnix = "unix";
// The chance to be refused at dropFrom; it rises to 100 at strangersMax.
constexpr uint32_t kDropPercentMin = 30;

// Writes IPv4 as ::ffff:a.b.c.d; returns false for anything but an internet address.
bool bytesOf(const sockaddr_storage& address, std::array<uint8_t, 16>& bytes) {
  bytes = {};
  if (address.ss_family == AF_INET6) {
    memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, 16);
    return true;
  }
  if (address.ss_family != AF_INET) return false;
  bytes[10] = bytes[11] = 0xff;
  memcpy(bytes.data() + 12, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, 4);
  return true;
}

bool isMappedIpv4(const std::array<uint8_t, 16>& bytes) {
  return std::all_of(bytes.begin(), bytes.begin() + 10, [](uint8_t byte) { return byte == 0; }) &&
         bytes[10] == 0xff && bytes[11] == 0xff;
}

}  // namespace

std::optional<AddressRange> AddressRange::fromText(std::string_view text, std::string* why) {
  size_t slash = text.find('/');
  std::string host(text.substr(0, slash));
  AddressRange range;
  size_t most = 0;
  if (inet_pton(AF_INET, host.c_str(), range.bytes_.data() + 12) == 1) {
    range.bytes_[10] = range.bytes_[11] = 0xff;
    most = 32;
  } else if (inet_pton(AF_INET6, host.c_str(), range.bytes_.data()) == 1) {
    most = 128;
  } else {
    *why = "\"" + std::string(text) + "\" is not an address or a range such as 10.1.0.0/16";
    return std::nullopt;
  }
  size_t bits = most;
  if (slash != std::string_view::npos) {
    std::string_view digits = text.substr(slash + 1);
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc() || end != digits.data() + digits.size() || bits > most) {
      *why = "\"" + std::string(text) + "\": wanted 0 to " + std::to_string(most) + " behind '/'";
      return std::nullopt;
    }
  }
  range.bits_ = 128 - most + bits;
  return range;
}

bool AddressRange::covers(const sockaddr_storage& address) const {
  std::array<uint8_t, 16> bytes;
  if (!bytesOf(address, bytes)) return false;
  size_t whole = bits_ / 8;
  if (memcmp(bytes.data(), bytes_.data(), whole) != 0) return false;
  if (bits_ % 8 == 0) return true;
  auto mask = static_cast<uint8_t>(0xff << (8 - bits_ % 8));
  return (bytes[whole] & mask) == (bytes_[whole] & mask);
}

std::optional<std::vector<AddressRange>> addressRanges(std::string_view text, std::string* why) {
  std::vector<AddressRange> ranges;
  while (!text.empty()) {
    size_t comma = std::min(text.find(','), text.size());
    auto range = AddressRange::fromText(text.substr(0, comma), why);
    if (!range) return std::nullopt;
    ranges.push_back(*range);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return ranges;
}

std::string sourceOf(const sockaddr_storage& address) {
  std::array<uint8_t, 16> bytes;
  if (!bytesOf(address, bytes)) return std::string(kUnix);
  char text[INET6_ADDRSTRLEN] = "";
  if (isMappedIpv4(bytes)) return inet_ntop(AF_INET, bytes.data() + 12, text, sizeof text);
  std::fill(bytes.begin() + 8, bytes.end(), uint8_t{0});
  return std::string(inet_ntop(AF_INET6, bytes.data(), text, sizeof text)) + "/64";
}

Admission::Admission(AdmissionLimits limits, std::vector<AddressRange> exempt,
                     kj::Function<uint32_t()> percent)
    : limits_(limits), exempt_(std::move(exempt)), percent_(kj::mv(percent)) {}

kj::Maybe<kj::StringPtr> Admission::refusal(const sockaddr_storage& address, kj::TimePoint now) {
  constexpr kj::StringPtr kFull = "too many connections that have not said hello"_kj;
  std::string source = sourceOf(address);
  // Unix sockets have a count of their own and no penalties: strangers from the network must not
  // lock out the node's own users.
  if (source == kUnix) {
    if (local_ >= limits_.strangersMax) return kFull;
    return nullptr;
  }
  auto penalty = penalties_.find(source);
  if (penalty != penalties_.end() && now < penalty->second.until) {
    return "its address is penalized for refused certificates"_kj;
  }
  if (isKnown(source, now)) {
    bool mayEnter = network_ < limits_.strangersMax + limits_.reserve || strangersOf(source) > 0;
    return mayEnter ? nullptr : kj::Maybe<kj::StringPtr>(kFull);
  }
  if (network_ >= limits_.strangersMax) return kFull;
  if (strangersOf(source) >= limits_.strangersPerSourceMax) {
    return "too many connections from one address that have not said hello"_kj;
  }
  // From half of the places on, a random share is refused. With a hard limit alone, a peer that
  // reconnects faster than others would hold all places.
  if (network_ >= limits_.dropFrom) {
    size_t share = (100 - kDropPercentMin) * (network_ - limits_.dropFrom) /
                   (limits_.strangersMax - limits_.dropFrom);
    if (percent_() < kDropPercentMin + share) {
      return "dropped at random: many connections have not said hello"_kj;
    }
  }
  return nullptr;
}

bool Admission::mustDisplace(const std::string& source, kj::TimePoint now) const {
  size_t own = strangersOf(source);
  if (own == 0 || !isKnown(source, now)) return false;
  return own >= limits_.strangersPerSourceMax || network_ >= limits_.strangersMax + limits_.reserve;
}

bool Admission::isKnown(const std::string& source, kj::TimePoint now) const {
  auto known = known_.find(source);
  return known != known_.end() && now - known->second < limits_.knownFor;
}

size_t Admission::strangersOf(const std::string& source) const {
  auto found = strangers_.find(source);
  return found == strangers_.end() ? 0 : found->second;
}

void Admission::proved(const std::string& source, kj::TimePoint now) {
  if (source == kUnix) return;
  if (known_.count(source) == 0 && known_.size() >= limits_.knownMax) {
    known_.erase(std::min_element(known_.begin(), known_.end(), [](const auto& a, const auto& b) {
      return a.second < b.second;
    }));
  }
  known_.insert_or_assign(source, now);
}

void Admission::enter(const std::string& source) {
  ++(source == kUnix ? local_ : network_);
  ++strangers_[source];
}

void Admission::leave(const std::string& source) {
  --(source == kUnix ? local_ : network_);
  auto found = strangers_.find(source);
  KJ_ASSERT(found != strangers_.end());
  if (--found->second == 0) strangers_.erase(found);
}

void Admission::penalize(const sockaddr_storage& address, kj::TimePoint now) {
  std::string source = sourceOf(address);
  if (source == kUnix) return;
  for (const AddressRange& range : exempt_) {
    if (range.covers(address)) return;
  }
  auto found = penalties_.find(source);
  if (found == penalties_.end()) {
    forgetMildest(now);
    penalties_.emplace(source, Penalty{now + limits_.penaltyMin, limits_.penaltyMin});
    return;
  }
  Penalty& penalty = found->second;
  // A failure counts as the first again after a time without failures as long as the longest
  // penalty.
  bool old = now - penalty.until >= limits_.penaltyMax;
  penalty.length = old ? limits_.penaltyMin : kj::min(penalty.length * 2, limits_.penaltyMax);
  penalty.until = now + penalty.length;
}

void Admission::forgetMildest(kj::TimePoint now) {
  if (penalties_.size() < limits_.penaltiesMax) return;
  // Penalties that are over go first. If none is, the one that ends soonest goes, so that a flood
  // of addresses cannot wash out the hardest ones.
  std::erase_if(penalties_, [now](const auto& entry) { return entry.second.until <= now; });
  if (penalties_.size() < limits_.penaltiesMax) return;
  penalties_.erase(std::min_element(
      penalties_.begin(), penalties_.end(),
      [](const auto& a, const auto& b) { return a.second.until < b.second.until; }));
}

}  // namespace support
