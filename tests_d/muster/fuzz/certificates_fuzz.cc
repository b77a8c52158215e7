// Fuzzes the PEM texts of an authority, a certificate and a key, with changed bytes, missing parts
// and noise.
#include <kj/async.h>
#include <kj/debug.h>
#include <kj/timer.h>

#include "schema/support/tls/pki.h"
#include "schema/support/tls/tls.h"
#include "tests_d/muster/fuzz/target.h"

namespace {

using fuzz::Input;

struct Good {
  support::Authority authority = support::Authority::make("muster fuzz");
  support::KeyPair node = authority.issueNode("n1");
  support::KeyPair client = authority.issueClient("operator:ci");
};

std::string changed(std::string text, Input& input) {
  switch (input.below(6)) {
    case 0:
      return text;
    case 1:
      return text.substr(0, input.number() % (text.size() + 1));
    case 2:
      return input.text(4096);
    case 3:
      return text + text;
    default:
      for (uint32_t i = 1 + input.below(3); i > 0 && !text.empty(); --i)
        text[(input.byte() * 256u + input.byte()) % text.size()] = static_cast<char>(input.byte());
      return text;
  }
}

}  // namespace

MUSTER_FUZZ_TARGET(certificates) {
  static const Good* good = new Good;
  kj::EventLoop loop;
  kj::TimerImpl timer(kj::origin<kj::TimePoint>());
  const support::KeyPair& own = input.byte() % 2 ? good->node : good->client;
  support::Credentials credentials{changed(good->authority.certificate(), input),
                                   {changed(own.certificate, input), changed(own.key, input)}};
  auto refused = kj::runCatchingExceptions([&]() {
    if (input.byte() % 2) {
      support::TlsServer server(credentials, timer, 1 * kj::SECONDS);
    } else {
      support::TlsClient client(credentials);
    }
  });
  KJ_IF_MAYBE (exception, refused) fuzz::expectTyped(*exception);
}
