#include "harness/cluster/reservation_label.h"

#include <cstdlib>

namespace harness {
namespace {

constexpr size_t kLabelBytesMax = 256;

}  // namespace

std::string inheritedReservations() {
  const char* text = std::getenv(kReservationVariable);
  return text == nullptr ? "" : text;
}

std::string withReservation(const std::string& inherited, const std::string& hexId) {
  std::string all = inherited.empty() ? hexId : inherited + "," + hexId;
  return all.size() <= kLabelBytesMax ? all : "";
}

}  // namespace harness
