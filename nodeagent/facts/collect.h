// Where each group of facts comes from. Every function fills its part of the message and leaves
// empty what cannot be read.
//
// `root` is put before every path, so that a test can show another machine; empty: this one.
// Blocking: for a worker thread.
#pragma once

#include <string>
#include <vector>

#include <kj/string.h>

#include "schema/facts.capnp.h"

namespace nodeagent::facts {

void collectHost(kj::StringPtr root, wire::Facts::Builder facts);
void collectCpus(kj::StringPtr root, wire::Facts::Builder facts);
void collectMemory(kj::StringPtr root, wire::Memory::Builder memory);
void collectNumaNodes(kj::StringPtr root, wire::Facts::Builder facts);
void collectDisks(kj::StringPtr root, wire::Facts::Builder facts);

// Sizes are asked of local file systems only: one over a dead network would not answer.
void collectMounts(kj::StringPtr root, wire::Facts::Builder facts);

// Of the calling process's network namespace, whichever /sys shows.
void collectInterfaces(wire::Facts::Builder facts);

// "VALUE" of a line "KEY=VALUE", unquoted as a shell would.
std::string osReleaseValue(const std::string& text, const std::string& key);

// "0-2,5" as numbers. Nothing for what is no such list.
std::vector<uint32_t> parseCpuList(const std::string& text);

// Octal escapes such as "\040" as bytes.
std::string unescapeMount(const std::string& text);

// A line of mountinfo(5).
struct MountLine {
  std::string source;
  std::string target;
  std::string type;
  std::string options;
};
bool parseMountLine(const std::string& line, MountLine& mount);

// Whether asking for the size could hang.
bool mayHang(const std::string& type);

}  // namespace nodeagent::facts
