// muster: brings clusters up, looks at them, runs commands and tests on them.
#include <iostream>

#include "harness/cli/command.h"
#include "harness/cluster/cluster_file.h"
#include "harness/cluster/node_expression.h"
#include "harness/pki/error.h"
#include "harness/provision/error.h"
#include "schema/support/base/suggestion.h"
#include "schema/support/base/version.h"

namespace harness {
namespace {

int statusOf(const AuthorityError& error) {
  switch (error.kind()) {
    case AuthorityError::Kind::kUsage:
      return kExitUsage;
    case AuthorityError::Kind::kDamaged:
      return kExitData;
    case AuthorityError::Kind::kNotFound:
      return kExitNoInput;
    case AuthorityError::Kind::kConflict:
    case AuthorityError::Kind::kUnsafe:
    case AuthorityError::Kind::kIo:
      return kExitCannotCreate;
  }
  return kExitInternal;
}

constexpr char kHelp[] = R"(usage: muster COMMAND [OPTION...] [ARGUMENT...]

)";
constexpr char kFooter[] = R"(
`muster COMMAND --help` tells the rest. Which cluster a command means: --cluster NAME or FILE, else
$MUSTER_CLUSTER, else the only one that is up.

Exit status: 0 done, 64 wrong command line, 65 wrong cluster file or node set, 66 unreadable file,
69 no such cluster or node unreachable, 70 internal error, 73 a node could not be made or removed,
77 missing privilege or kernel feature. `exec` and `run` have more: see their help.
)";

void printHelp(std::ostream& out) {
  out << kHelp;
  for (const Command& command : commands()) {
    std::string left = "  " + std::string(command.name) + " " + command.usage;
    out << left << std::string(left.size() < 44 ? 44 - left.size() : 1, ' ') << command.summary
        << "\n";
  }
  out << kFooter;
}

Invocation invocationOf(int argc, char** argv) {
  Invocation invocation;
  invocation.command = argv[1];
  for (int i = 2; i < argc; ++i) {
    std::string word = argv[i];
    if (invocation.hasRest) {
      invocation.rest.push_back(word);
    } else if (word == "--") {
      invocation.hasRest = true;
    } else {
      invocation.arguments.push_back(word);
    }
  }
  return invocation;
}

int dispatch(const Invocation& invocation) {
  std::vector<std::string> names;
  for (const Command& command : commands()) {
    if (invocation.command == command.name) return command.run(invocation);
    names.push_back(command.name);
  }
  throw CommandError(kExitUsage, "there is no command \"" + invocation.command + "\"" +
                                     support::suggestion(invocation.command, names));
}

int runMain(int argc, char** argv) {
  std::string first = argc > 1 ? argv[1] : "";
  if (first.empty()) {
    printHelp(std::cerr);
    return kExitUsage;
  }
  if (first == "--help" || first == "-h" || first == "help") {
    printHelp(std::cout);
    return kExitOk;
  }
  if (first == "--version") {
    std::cout << "muster " << support::kVersion << "\n";
    return kExitOk;
  }
  if (first == "__complete" && argc == 4) return answerCompletion(argv[2], argv[3]);
  auto complain = [&first](const std::exception& error, int status) {
    std::cout.flush();
    std::cerr << "muster " << first << ": " << error.what() << "\n";
    return status;
  };
  try {
    int status = dispatch(invocationOf(argc, argv));
    std::cout.flush();
    return status;
  } catch (const HelpShown&) {
    return kExitOk;
  } catch (const CommandError& error) {
    return complain(error, error.status());
  } catch (const ClusterFileError& error) {
    return complain(error, kExitData);
  } catch (const NodeExpressionError& error) {
    return complain(error, kExitData);
  } catch (const AuthorityError& error) {
    return complain(error, statusOf(error));
  } catch (const MissingCapability& error) {
    return complain(error, kExitNoPermission);
  } catch (const ProvisionError& error) {
    return complain(error, kExitCannotCreate);
  } catch (const std::exception& error) {
    return complain(error, kExitInternal);
  }
}

}  // namespace
}  // namespace harness

int main(int argc, char** argv) {
  return harness::runMain(argc, argv);
}
