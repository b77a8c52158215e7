// A crash that was found on the node beside the ends of commands.
#pragma once

#include <sys/types.h>

#include <string>

#include "schema/diagnosis.capnp.h"

namespace nodeagent::diagnosis {

// As Crash in the schema.
struct FoundCrash {
  wire::Crash::Source source = wire::Crash::Source::UNSPECIFIED;
  std::string key;
  pid_t pid = 0;
  std::string program;

  // The service of systemd that the process belongs to. Empty: none is known.
  std::string service;
  int signal = 0;
  bool wasDumped = false;
  bool wasOutOfMemory = false;
  std::string path;
  std::string executable;
  std::string text;
};

}  // namespace nodeagent::diagnosis
