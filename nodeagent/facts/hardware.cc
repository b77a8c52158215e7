#include <stdlib.h>

#include <map>

#include "nodeagent/facts/collect.h"
#include "nodeagent/facts/text.h"

namespace nodeagent::facts {
namespace {

constexpr const char kCpuDirectory[] = "/sys/devices/system/cpu";
constexpr const char kNodeDirectory[] = "/sys/devices/system/node";
constexpr uint64_t kSectorBytes = 512;  // The unit of /sys/block/*/size on every disk.

// Returns the models by number of the processor. Architectures differ in the keys that they use.
std::map<uint32_t, std::string> cpuModels(const std::string& root) {
  std::map<uint32_t, std::string> models;
  std::string any;
  uint32_t number = 0;
  for (auto& line : splitLines(readAllText(root + "/proc/cpuinfo"))) {
    size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::string key = trim(line.substr(0, colon));
    std::string value = trim(line.substr(colon + 1));
    if (key == "processor") number = static_cast<uint32_t>(strtoul(value.c_str(), nullptr, 10));
    if (key == "model name" || key == "cpu model") models[number] = value;
    if (key == "Model" || key == "cpu") any = value;
  }
  if (models.empty() && !any.empty()) models[0] = any;
  return models;
}

bool isOnline(const std::string& cpu) {
  // The first processor often has no such file, because it cannot be switched off.
  std::string online = readLine(cpu + "/online");
  return online.empty() || online == "1";
}

uint32_t nodeOf(const std::string& cpu) {
  auto numbers = numbersIn(cpu, "node");
  return numbers.empty() ? 0 : numbers[0];
}

// Reads "Node 0 MemTotal: 123 kB" or "MemTotal: 123 kB" as bytes.
uint64_t meminfoBytes(const std::string& text, const std::string& key) {
  for (auto& line : splitLines(text)) {
    size_t found = line.find(key + ":");
    if (found == std::string::npos || (found > 0 && line[found - 1] != ' ')) continue;
    return strtoull(line.c_str() + found + key.size() + 1, nullptr, 10) * 1024;
  }
  return 0;
}

struct Block {
  std::string name;
  std::string parent;
  std::string path;
};

// Returns the disks, each followed by its partitions, without those that hold nothing, such as
// unused loop devices.
std::vector<Block> findBlocks(const std::string& root) {
  std::vector<Block> blocks;
  for (auto& name : namesIn(root + "/sys/block")) {
    std::string path = root + "/sys/block/" + name;
    if (readNumber(path + "/size") == 0) continue;
    blocks.push_back({name, "", path});
    for (auto& partition : namesIn(path)) {
      if (!readLine(path + "/" + partition + "/partition").empty()) {
        blocks.push_back({partition, name, path + "/" + partition});
      }
    }
  }
  return blocks;
}

}  // namespace

std::vector<uint32_t> parseCpuList(const std::string& text) {
  constexpr unsigned long kNumberMax = 1 << 20;
  std::vector<uint32_t> numbers;
  const char* position = text.c_str();
  while (*position >= '0' && *position <= '9') {
    char* end = nullptr;
    unsigned long first = strtoul(position, &end, 10);
    unsigned long last = first;
    if (*end == '-') last = strtoul(end + 1, &end, 10);
    if (last > kNumberMax) break;
    for (unsigned long number = first; number <= last; ++number)
      numbers.push_back(static_cast<uint32_t>(number));
    if (*end != ',') break;
    position = end + 1;
  }
  return numbers;
}

void collectCpus(kj::StringPtr rootPath, wire::Facts::Builder facts) {
  std::string root = rootPath.cStr();
  auto models = cpuModels(root);
  auto numbers = numbersIn(root + kCpuDirectory, "cpu");
  auto cpus = facts.initCpus(static_cast<unsigned>(numbers.size()));
  for (unsigned i = 0; i < cpus.size(); ++i) {
    std::string path = root + kCpuDirectory + "/cpu" + std::to_string(numbers[i]);
    auto model = models.find(numbers[i]);
    if (model == models.end()) model = models.begin();
    cpus[i].setNumber(numbers[i]);
    cpus[i].setOnline(isOnline(path));
    if (model != models.end()) cpus[i].setModel(plainText(model->second));
    cpus[i].setSocket(static_cast<uint32_t>(readNumber(path + "/topology/physical_package_id")));
    cpus[i].setCore(static_cast<uint32_t>(readNumber(path + "/topology/core_id")));
    cpus[i].setNumaNode(nodeOf(path));
  }
}

void collectNumaNodes(kj::StringPtr rootPath, wire::Facts::Builder facts) {
  std::string root = rootPath.cStr();
  auto numbers = numbersIn(root + kNodeDirectory, "node");
  auto nodes = facts.initNumaNodes(static_cast<unsigned>(numbers.size()));
  for (unsigned i = 0; i < nodes.size(); ++i) {
    std::string path = root + kNodeDirectory + "/node" + std::to_string(numbers[i]);
    nodes[i].setNumber(numbers[i]);
    nodes[i].setMemoryBytes(meminfoBytes(readAllText(path + "/meminfo"), "MemTotal"));
    auto list = parseCpuList(readLine(path + "/cpulist"));
    auto cpus = nodes[i].initCpus(static_cast<unsigned>(list.size()));
    for (unsigned j = 0; j < cpus.size(); ++j) cpus.set(j, list[j]);
  }
}

void collectMemory(kj::StringPtr root, wire::Memory::Builder memory) {
  std::string text = readAllText(std::string(root.cStr()) + "/proc/meminfo");
  memory.setTotalBytes(meminfoBytes(text, "MemTotal"));
  memory.setAvailableBytes(meminfoBytes(text, "MemAvailable"));
  memory.setSwapTotalBytes(meminfoBytes(text, "SwapTotal"));
  memory.setSwapFreeBytes(meminfoBytes(text, "SwapFree"));
}

void collectDisks(kj::StringPtr rootPath, wire::Facts::Builder facts) {
  std::string root = rootPath.cStr();
  auto blocks = findBlocks(root);
  auto disks = facts.initDisks(static_cast<unsigned>(blocks.size()));
  for (unsigned i = 0; i < disks.size(); ++i) {
    const Block& block = blocks[i];
    // A partition has no queue of its own, so these facts are its disk's.
    std::string whole = block.parent.empty() ? block.path : root + "/sys/block/" + block.parent;
    disks[i].setName(plainText(block.name));
    disks[i].setParent(plainText(block.parent));
    disks[i].setSizeBytes(readNumber(block.path + "/size") * kSectorBytes);
    disks[i].setSectorBytes(static_cast<uint32_t>(readNumber(whole + "/queue/logical_block_size")));
    disks[i].setRotational(readNumber(whole + "/queue/rotational") == 1);
    disks[i].setReadOnly(readNumber(block.path + "/ro") == 1);
    disks[i].setRemovable(readNumber(whole + "/removable") == 1);
    disks[i].setModel(plainText(readLine(whole + "/device/model")));
  }
}

}  // namespace nodeagent::facts
