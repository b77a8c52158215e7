#include "tests_d/glusterfs/cli.h"

#include <stdexcept>

namespace gluster {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += " " + word;
  return line;
}

// Returns a text such as "test_heal.cc:31". gtest's report gives no line for an exception that
// leaves a test.
std::string lineOf(const Where& where) {
  const std::string file = where.file_name();
  return file.substr(file.rfind('/') + 1) + ":" + std::to_string(where.line());
}

muster::Argv gluster(const std::vector<std::string>& arguments) {
  muster::Argv argv = {"gluster", "--mode=script", "--xml"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

// Converts a result. A command that did not exit by itself gets exit code -1, and its outcome as
// `err`.
CliResult cliResult(const muster::Result& result, const std::vector<std::string>& arguments,
                    const Where& where) {
  CliResult cli;
  cli.command = lineOf(where) + ": " + result.node + ": gluster" + joined(arguments);
  cli.exitCode = result.outcome.exitStatus();
  cli.out = result.out;
  cli.err = result.err;
  if (result.outcome.kind() != muster::Outcome::Kind::kExited) {
    cli.exitCode = -1;
    cli.err = muster::toString(result.outcome) + " " + cli.err;
  }
  return cli;
}

// Returns the standard output of a command that must succeed.
std::string outputOf(const muster::Result& result) {
  if (!result.succeeded()) throw std::runtime_error(muster::describe(result));
  return result.line();
}

constexpr std::chrono::seconds kDigestMax{60};

}  // namespace

CliResult run(const muster::Node& node, const std::vector<std::string>& arguments, Where where) {
  const CliResult cli =
      cliResult(node.run(gluster(arguments), {.deadline = kCommandMax}, where), arguments, where);
  if (cli.exitCode < 0) throw CliError(CliError::Kind::kNoAnswer, cli, 0, cli.err);
  return cli;
}

std::vector<CliResult> runOnEach(const muster::NodeSet& nodes,
                                 const std::vector<std::string>& arguments, Where where) {
  std::vector<CliResult> all;
  for (const muster::NodeResult& one :
       nodes.run(gluster(arguments), {.deadline = kCommandMax}, where)) {
    if (one.error) throw *one.error;
    all.push_back(cliResult(*one.result, arguments, where));
  }
  return all;
}

void awaitClear(const std::string& what, const Check& check, std::chrono::nanoseconds within) {
  testing::StringMatchResultListener seen;
  if (!testing::ExplainMatchResult(Clears(within), check, &seen)) {
    throw std::runtime_error(what + ": " + seen.str());
  }
}

std::string troubleOf(const Check& ask) {
  try {
    return ask();
  } catch (const CliError& error) {
    return error.what();
  }
}

std::string digest(const muster::Node& node, const std::string& path, Where where) {
  const std::string line =
      outputOf(node.run({"sha256sum", "--", path}, {.deadline = kDigestMax}, where));
  return line.substr(0, line.find(' '));
}

std::string treeDigest(const muster::Node& node, const std::string& directory, Where where) {
  const std::string script =
      "set -e; cd \"$DIRECTORY\"; "
      "find . -name .glusterfs -prune -o -type f -print0 > /tmp/tree.$$; "
      "sort -z /tmp/tree.$$ | xargs -0 -r sha256sum > /tmp/sums.$$; "
      "sha256sum < /tmp/sums.$$; rm -f /tmp/tree.$$ /tmp/sums.$$";
  muster::RunOptions options;
  options.environment = {{"DIRECTORY", directory}, {"LC_ALL", "C"}};
  options.deadline = kDigestMax;
  const std::string line = outputOf(node.shell(script, options, where));
  return line.substr(0, line.find(' '));
}

}  // namespace gluster
