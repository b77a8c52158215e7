// AgentProgram is the agent's program on this machine, as it is copied to hosts.
#pragma once

#include <cstdint>
#include <string>

namespace harness {

struct AgentProgram {
  std::string path;
  size_t bytes = 0;
  // The digest of its content, in hexadecimal digits.
  std::string sha256;
  // The machine that it is built for, such as "x86_64", and the words of "uname -m" where it runs.
  std::string machine;
  std::string machines;
  // The standard input of the script that takes it: the script, then the program.
  std::string input;
  size_t scriptBytes = 0;

  // Reads it. Throws ProvisionError, which names the path, if it cannot be read or is no program
  // for Linux.
  static AgentProgram load(const std::string& path);
};

// Returns the machine in the header of a program in ELF, such as "x86_64"; empty: it is none.
std::string elfMachine(const std::string& content);

// Returns the SHA-256 of a text in hexadecimal digits.
std::string sha256Of(const std::string& text);

}  // namespace harness
