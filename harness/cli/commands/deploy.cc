// deploy: makes nodes of hosts that are named on the command line, and writes their cluster file.
#include <filesystem>
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/command_error.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/deploy_words.h"
#include "harness/cli/options.h"
#include "harness/os/files.h"

namespace harness {
namespace {

constexpr TextOption kLogin({
    .name = "user",
    .letter = 'u',
    .value = "NAME",
    .help = "the user to log in as; by default ssh's own choice",
});

constexpr TextOption kJump({
    .name = "jump",
    .value = "HOST",
    .help = "the host to go through, as for ssh -J",
});

constexpr TextOption kIdentity({
    .name = "identity",
    .value = "FILE",
    .help = "the private key to log in with; by default those of ssh",
    .completes = WordKind::kFiles,
});

constexpr TextOption kSshConfig({
    .name = "config",
    .value = "FILE",
    .help = "a file in place of ssh's configuration",
    .completes = WordKind::kFiles,
});

constexpr TextOption kAgentPort({
    .name = "agent-port",
    .value = "PORT",
    .help = "the port at which the agents listen; by default 7411",
});

constexpr TextOption kRole({
    .name = "role",
    .value = "ROLE",
    .help = "the role of the nodes",
    .initial = "server",
});

constexpr TextOption kWritten({
    .name = "output",
    .letter = 'o',
    .value = "FILE",
    .help = "the cluster file to write, which must not exist; its name without the ending is that "
            "of the cluster",
    .initial = "deployed.yaml",
    .completes = WordKind::kFiles,
});

int run(const Arguments& arguments) {
  std::string path = arguments[kWritten];
  if (std::filesystem::exists(path)) {
    throw CommandError(support::kExitCannotCreate,
                       path +
                           " exists; name another file by --output, or remove its cluster by "
                           "`muster down " +
                           path + "` and then the file");
  }
  putFile(path,
          deployFile({.hosts = arguments.words(),
                      .cluster = std::filesystem::path(path).stem(),
                      .role = arguments[kRole],
                      .user = arguments[kLogin],
                      .jump = arguments[kJump],
                      .identity = arguments[kIdentity],
                      .config = arguments[kSshConfig],
                      .agentPort = arguments[kAgentPort]}),
          0644);
  Arguments up(kUp);
  // A word with a slash is a file.
  up.setWords({path.find('/') == std::string::npos ? "./" + path : path});
  if (arguments[kJson]) up.add(kJson, "");
  try {
    int status = kUp.run(up);
    if (!arguments[kJson])
      std::cout << "see muster run --cluster " << path << ", muster down " << path << "\n";
    return status;
  } catch (...) {
    // There are no nodes that it could name.
    std::filesystem::remove(path);
    throw;
  }
}

}  // namespace

const Command kDeploy = {
    .name = "deploy",
    .usage = "HOST...",
    .summary = "make nodes of hosts by ssh, and write their cluster file",
    .options =
        [] {
          return OptionList{&kLogin,     &kJump, &kIdentity, &kSshConfig,
                            &kAgentPort, &kRole, &kWritten,  &kJson};
        },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1000,
    .notes =
        "A HOST is an address, a name, a host of ssh's configuration or a set such as\n"
        "node[1-3].lab, with USER@ before it if need be.\n",
};

}  // namespace harness
