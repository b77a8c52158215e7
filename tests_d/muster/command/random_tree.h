// Makes trees of files by chance, with all that a copy has to keep: holes, hard links, special
// files, times, owners, modes, attributes, ACLs, and names that are no text.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>

namespace command {

// Makes a tree of about `entries` files at `root`, which must not exist. Needs root's privileges.
void makeRandomTree(const std::string& root, unsigned entries, std::mt19937_64& random);

// Returns the bytes that each regular file below `root` holds outside of its holes, by path.
std::map<std::string, uint64_t> dataBytes(const std::string& root);

}  // namespace command
