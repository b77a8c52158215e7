// Turns what the kernel would send by an interface over to another device, for as long as this
// process lives: a table of nftables with a chain at the interface's egress.
//
// The table has the flag `owner`. The kernel lets nobody but the socket that made it change it, and
// removes it with that socket, which an interactive nft holds for us. No rule, route or mark of
// anybody else is touched.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include <kj/common.h>
#include <kj/io.h>

namespace nodeagent::relay {

struct FilterSpec {
  std::string table;
  std::string interface;
  std::string device;
  // Packets of this mark pass: those that the relay sends.
  uint32_t mark = 0;
  // TCP packets from these ports pass.
  std::vector<uint16_t> passingPorts = {};
};

// Returns the line for nft that makes the table. What is no packet of IP passes, and so does the
// discovery of neighbours, without which nothing that passes would arrive.
std::string filterText(const FilterSpec& spec);

// Belongs to one thread, and blocks.
class LinkFilter {
 public:
  // Makes the table and reads it back from the kernel. Fails with kind unsupported (no nft, or nft
  // or the kernel lack what it needs), denied, conflict (somebody has a table of this name),
  // system.
  explicit LinkFilter(const FilterSpec& spec);
  // Ends nft, and with it the table.
  ~LinkFilter() noexcept(false);
  KJ_DISALLOW_COPY(LinkFilter);

  // Removes the table, and waits until nft has ended. Returns whether it has.
  bool end();

  // Becomes readable if nft ends, or says something unasked.
  int output() const { return output_; }
  pid_t pid() const { return pid_; }

 private:
  void start();
  void say(const std::string& line);
  // Returns what nft says until it has listed a table or named an error.
  std::string awaitListing();

  kj::AutoCloseFd input_;
  kj::AutoCloseFd output_;
  kj::AutoCloseFd process_;
  pid_t pid_ = 0;
};

}  // namespace nodeagent::relay
