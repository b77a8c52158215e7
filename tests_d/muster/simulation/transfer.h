// Sends a file to the node in parts and reads it back, as a controller does and as none should.
#pragma once

#include <stdint.h>

#include <memory>
#include <string>

#include "schema/support/base/id.h"
#include "tests_d/muster/simulation/file_tree.h"
#include "tests_d/muster/simulation/raw_calls.h"

namespace simulation {

class Transfer final : private RawCalls {
 public:
  Transfer(SimulatedClient& client, std::shared_ptr<Operation> operation, FileTree& tree);

  // Makes the whole transfer. Never rejects.
  kj::Promise<void> run();

 private:
  enum class Ending { kFinished, kTooEarly, kWrongDigest, kAbandoned };

  kj::Promise<bool> begin(uint64_t expected);
  kj::Promise<bool> sendAll();
  kj::Promise<bool> sendNext();
  kj::Promise<bool> send(uint64_t offset, std::string bytes, uint32_t damage,
                         wire::Error::Kind expected);
  kj::Promise<bool> end();
  kj::Promise<bool> finish(const std::string& digestOf, wire::Error::Kind expected);
  kj::Promise<bool> abandon();
  kj::Promise<bool> readBack();
  void check();
  void violated(const std::string& text);

  FileTree& tree_;
  FileTree::Target& target_;
  std::string path_;
  support::Id id_;
  Ending ending_ = Ending::kFinished;
  size_t partBytes_ = 0;
  uint64_t receivedTo_ = 0;
  uint64_t stopAt_ = 0;  // The offset at which sending ends.
  std::string read_;
};

}  // namespace simulation
