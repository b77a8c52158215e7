// pki serve: gives certificates to nodes that have a token.
#include <iostream>
#include <memory>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/pki_words.h"
#include "harness/pki/enrolment_server.h"
#include "schema/support/base/duration.h"

namespace harness {
namespace {

constexpr TextOption kListen({
    .name = "listen",
    .value = "ADDRESS:PORT",
    .help = "where to listen",
    .initial = "0.0.0.0:7412",
});

constexpr DurationOption kDuration(
    {.name = "duration", .value = "TIME", .help = "how long to serve", .initial = "10m"},
    {.least = std::chrono::seconds(1), .most = std::chrono::hours(7 * 24)});

constexpr CountOption kCount(
    {
        .name = "count",
        .value = "N",
        .help = "end when this many nodes have got certificates; 0: any number",
        .initial = "0",
    },
    {.least = 0, .most = 1'000'000});

// One line for each node that got its certificate, at once: a person or a script waits for it.
void printEnrolled(const EnrolmentAsk& ask, const EnrolmentReply& reply,
                   const Arguments& arguments) {
  auto facts = support::describeCertificate(reply.certificate);
  if (!facts) return;
  if (arguments[kJson]) {
    std::cout << jsonText({{"enrolled", facts->commonName},
                           {"from", ask.from},
                           {"token", ask.tokenId},
                           {"serial", facts->mark.serial}},
                          Layout::kLine)
              << std::flush;
  } else {
    std::cout << facts->commonName << " enrolled from " << ask.from << "  token " << ask.tokenId
              << "  serial " << facts->mark.serial << std::endl;
  }
}

int run(const Arguments& arguments) {
  PkiDirectory directory = openDirectory(arguments);
  std::chrono::nanoseconds duration = arguments[kDuration];
  PkiTokens tokens(directory);
  tokens.finishInterrupted();
  EnrolmentServerOptions options = tokens.serverOptions(arguments[kListen], duration);
  options.answer = [&tokens, &arguments](const EnrolmentAsk& ask) {
    EnrolmentReply reply = tokens.redeem(ask);
    if (reply.reason == EnrolmentReason::kNone) printEnrolled(ask, reply, arguments);
    return reply;
  };
  auto until = std::chrono::steady_clock::now() + duration;
  EnrolmentServer server(std::move(options));
  if (arguments[kJson]) {
    std::cout << jsonText(Json{{"listening", server.endpoint()}}, Layout::kLine) << std::flush;
  } else {
    std::cout << "listening on " << server.endpoint() << " for "
              << support::durationText(duration.count()) << std::endl;
  }
  auto wanted = static_cast<size_t>(arguments[kCount]);
  size_t enrolled = server.run(wanted, until);
  if (enrolled >= wanted) return kExitOk;
  throw CommandError(kExitUnavailable, "only " + std::to_string(enrolled) + " of " +
                                           std::to_string(wanted) + " nodes asked in time");
}

}  // namespace

const Command kPkiServe = {
    .name = "pki serve",
    .usage = "",
    .summary = "give certificates to nodes that have a token (nodeagent --enrol)",
    .options =
        [] {
          return OptionList{&kPkiDirectory, &kListen, &kDuration, &kCount, &kJson};
        },
    .run = run,
    .notes = "Exit status: 69 if fewer nodes than --count asked in time.\n",
};

}  // namespace harness
