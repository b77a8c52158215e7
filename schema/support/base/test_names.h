// Takes the names apart that gtest gives to suites and tests: one of a source becomes several for
// parameters and types, and a mark of its name disables it.
#pragma once

#include <string>

namespace support {

// Returns the name of a suite without instantiation and type number, such as those of
// "All/VolumeTest" and "QueueTest/0".
std::string suiteBaseName(const std::string& suite);

// Return the name as the source of an enabled suite or test has it: that of "All/DISABLED_KvTest"
// is "KvTest", and that of "Heals/3" is "Heals".
std::string suiteSourceName(const std::string& suite);
std::string testSourceName(const std::string& test);

// Tells whether gtest runs the test only if it is told to.
bool isDisabledTest(const std::string& suite, const std::string& test);

}  // namespace support
