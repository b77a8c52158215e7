// A helper of sample 12: counts on a node.
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>

#include <muster/helper.h>

class Counters {
 public:
  int64_t add(const std::string& name, int64_t by) { return counts_[name] += by; }

  int64_t of(const std::string& name) const {
    auto found = counts_.find(name);
    if (found == counts_.end()) throw std::out_of_range("nobody has counted " + name);
    return found->second;
  }

  const std::map<std::string, int64_t>& all() const { return counts_; }

 private:
  std::map<std::string, int64_t> counts_;
};

int main() {
  muster::Helper helper;
  Counters counters;
  helper.on("add", [&](std::string name, int64_t by) { return counters.add(name, by); });
  helper.on("of", [&](std::string name) { return counters.of(name); });
  helper.on("all", [&] { return counters.all(); });
  return helper.serve();
}
