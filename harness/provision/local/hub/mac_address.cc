#include "harness/provision/local/hub/mac_address.h"

#include <arpa/inet.h>

#include <cstring>

namespace harness {
namespace {

// The lowest bit of the first byte is that of groups, the next one that of local administration.
// Another byte for each of the two kinds keeps them apart.
constexpr unsigned char kByIpv4 = 0x02;
constexpr unsigned char kByNumber = 0x06;

unsigned char byteOf(const std::string& name) {
  unsigned sum = 0;
  for (unsigned char c : name) sum = sum * 31 + c;
  return static_cast<unsigned char>(sum ^ (sum >> 8) ^ (sum >> 16) ^ (sum >> 24));
}

}  // namespace

MacAddress macAddressOf(const std::string& cluster, const std::vector<std::string>& addresses,
                        int number) {
  uint32_t last = htonl(static_cast<uint32_t>(number));
  MacAddress mac{kByNumber, byteOf(cluster)};
  for (const std::string& address : addresses) {
    std::string host = address.substr(0, address.find('/'));
    if (::inet_pton(AF_INET, host.c_str(), &last) != 1) continue;
    mac[0] = kByIpv4;
    break;
  }
  std::memcpy(mac.data() + 2, &last, sizeof last);
  return mac;
}

}  // namespace harness
