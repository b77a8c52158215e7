// Small helpers for the files of /proc and /sys.
#pragma once

#include <stdint.h>

#include <string>
#include <vector>

#include <kj/string.h>

namespace nodeagent::facts {

// The content without trailing white space; empty if it cannot be read.
std::string readLine(const std::string& path);
std::string readAllText(const std::string& path);

// Of a file that holds one number; 0 if it does not.
uint64_t readNumber(const std::string& path);

std::vector<std::string> splitLines(const std::string& text);
std::string trim(const std::string& text);

// Names in a directory, in byte order, without those that begin with a dot.
std::vector<std::string> namesIn(const std::string& directory);

// Names PREFIXn of a directory, as their numbers in order.
std::vector<uint32_t> numbersIn(const std::string& directory, const std::string& prefix);

// Fit for a Text field: control characters, and bytes that are not UTF-8, become "?".
kj::String plainText(const std::string& bytes);

}  // namespace nodeagent::facts
