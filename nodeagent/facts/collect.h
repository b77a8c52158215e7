// Collects each group of facts from its source. Every function fills its part of the message and
// leaves empty the fields that it cannot read.
//
// `root` is put before every path, so that a test can show another machine; empty means this one.
// Every call blocks, so it belongs on a worker thread.
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

// Collects mounts. It asks only local file systems for their sizes, because one over a dead network
// would not answer.
void collectMounts(kj::StringPtr root, wire::Facts::Builder facts);

// Collects the interfaces of the calling process's network namespace, whichever /sys shows.
void collectInterfaces(wire::Facts::Builder facts);

// Returns VALUE of the line "KEY=VALUE", unquoted as a shell would.
std::string osReleaseValue(const std::string& text, const std::string& key);

// Reads a list such as "0-2,5" as numbers; empty for any other text.
std::vector<uint32_t> parseCpuList(const std::string& text);

// Returns whether asking a file system of this type for its size could hang.
bool mayHang(const std::string& type);

}  // namespace nodeagent::facts
