// Reads and splits the small text files of /proc and /sys.
#pragma once

#include <stdint.h>

#include <string>
#include <vector>

#include <kj/string.h>

namespace nodeagent::facts {

// Return the content without trailing white space; empty if it cannot be read.
std::string readLine(const std::string& path);
std::string readAllText(const std::string& path);

// Reads a file that holds one number; 0 if it does not.
uint64_t readNumber(const std::string& path);

std::vector<std::string> splitLines(const std::string& text);
std::string trim(const std::string& text);

// Returns the names in a directory, in byte order, without those that begin with a dot.
std::vector<std::string> namesIn(const std::string& directory);

// Returns the numbers n of the names PREFIXn in a directory, in order.
std::vector<uint32_t> numbersIn(const std::string& directory, const std::string& prefix);

// Makes a text fit for a Text field: control characters, and bytes that are not UTF-8, become "?".
kj::String plainText(const std::string& bytes);

}  // namespace nodeagent::facts
