// Fuzzes the agent's configuration file, environment and command line.
//
// Each input must be refused with the place and the reason, or accepted with a listening address
// that cannot expose an unprotected port.
#include <sys/mman.h>
#include <unistd.h>

#include <kj/debug.h>

#include "nodeagent/config/options.h"
#include "schema/support/base/config.h"
#include "schema/support/base/duration.h"
#include "schema/support/base/endpoint.h"
#include "tests_d/muster/fuzz/target.h"

namespace {

void checkListen(const nodeagent::Options& options) {
  if (options.task == nodeagent::Task::kPrintHelp || options.task == nodeagent::Task::kPrintVersion)
    return;
  for (const std::string& text : options.listen) {
    std::string why;
    auto endpoint = support::Endpoint::fromText(text, &why);
    KJ_ASSERT(endpoint.has_value(), "an address that cannot be listened on was accepted",
              text.c_str());
    KJ_ASSERT(endpoint->transport != support::Transport::kTcp || endpoint->loopback());
    std::string again = endpoint->text();
    auto reread = support::Endpoint::fromText(again, &why);
    KJ_ASSERT(reread.has_value() && reread->text() == again, again.c_str(), why.c_str());
  }
  nodeagent::configText(options);
}

void checkDuration(const std::string& text) {
  auto nanoseconds = support::durationFromText(text);
  if (nanoseconds) {
    KJ_ASSERT(*nanoseconds >= 0);
    KJ_ASSERT(support::durationText(*nanoseconds).size() > 0);
  }
}

}  // namespace

MUSTER_FUZZ_TARGET(agent_config) {
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;
  for (uint32_t words = input.below(4); words > 0; --words) {
    static const char* const kOptions[] = {"--listen",    "--role",         "--config",
                                           "--log-level", "--help",         "--tls-key",
                                           "--state-dir", "--check-config", ""};
    std::string option = kOptions[input.below(std::size(kOptions))];
    arguments.push_back(input.byte() % 2 ? option + "=" + input.text() : option + input.text());
  }
  if (input.byte() % 4 == 0) environment["NODEAGENT_LISTEN"] = input.text();
  if (input.byte() % 8 == 0) environment["NODEAGENT_" + input.text()] = input.text();
  checkDuration(input.text());
  auto yaml = input.rest();
  int file = memfd_create("config", MFD_CLOEXEC);
  KJ_ASSERT(file >= 0 && write(file, yaml.begin(), yaml.size()) == ssize_t(yaml.size()));
  std::string path = "/proc/self/fd/" + std::to_string(file);
  try {
    checkListen(nodeagent::readOptions(arguments, environment, {path, "/nonexistent"}));
  } catch (const support::ConfigError& error) {
    KJ_ASSERT(error.what()[0] != '\0');
  } catch (const nodeagent::UsageError& error) {
    KJ_ASSERT(error.what()[0] != '\0');
  }
  close(file);
}
