// pki: the certificates of a cluster.
#include <iostream>
#include <map>

#include <nlohmann/json.hpp>

#include "harness/cli/command.h"
#include "harness/cli/commands/pki_enrolment.h"
#include "harness/pki/directory.h"
#include "schema/support/base/suggestion.h"

namespace harness {
namespace {

using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

constexpr int64_t kDaysMax = 3650;

constexpr char kFooter[] = R"(
  init DIR --cluster NAME    make a cluster's authority; DIR is made if it is missing
  node NAME [--san NAME]     a certificate for the agent of a node
  sign NAME --request FILE   the same for a key that the node made (nodeagent --make-request)
  client NAME --role ROLE    a certificate for a controller: observer, operator or admin
  show [NAME|FILE]           what has been issued, and its state
  renew NAME|FILE            a new key and certificate in place of those
  revoke SERIAL|FILE         put a certificate on the deny list
  token NODE [--san NAME]    a single-use token, with which that node gets its certificate itself
  tokens                     which tokens there are, and who used them
  withdraw ID                make a token worthless
  serve                      answer nodes that have a token (nodeagent --enrol)

Keys are made here and stay in DIR until you copy them; only renew replaces anything. The deny list
is DIR/denied.list: give it to the agents as tls.denied, and reload them.

Exit status: 64 a wrong name or option, 65 a file is not what it should be, 66 no such directory,
certificate or token, 69 serve --count: fewer nodes asked in time, 73 it exists already, cannot be
written, or others could replace it.
)";

// What an action may be given besides --dir and --json.
struct Action {
  size_t wordsLeast, wordsMost;
  Words options;
};

const std::map<std::string, Action>& actions() {
  static const std::map<std::string, Action> kActions = {
      {"init", {1, 1, {"cluster"}}},
      {"node", {1, 1, {"san", "days"}}},
      {"sign", {1, 1, {"request", "days"}}},
      {"client", {1, 1, {"role", "days"}}},
      {"show", {0, 1, {}}},
      {"renew", {1, 1, {"days"}}},
      {"revoke", {1, 1, {}}},
      {"token", {1, 1, {"san", "days", "valid"}}},
      {"tokens", {0, 0, {}}},
      {"withdraw", {1, 1, {}}},
      {"serve", {0, 0, {"listen", "for", "count"}}},
  };
  return kActions;
}

Json jsonOf(const Issued& issued) {
  Json entry = {{"kind", issued.kind},
                {"name", issued.name},
                {"names", issued.facts.dnsNames},
                {"serial", issued.facts.mark.serial},
                {"sha256", issued.facts.mark.sha256},
                {"notBefore", dayText(issued.facts.notBeforeSeconds)},
                {"notAfter", dayText(issued.facts.notAfterSeconds)},
                {"state", issued.state},
                {"certificate", issued.certificate}};
  entry["key"] = issued.key.empty() ? Json(nullptr) : Json(issued.key);
  return entry;
}

void print(const Issued& issued, bool json) {
  if (json) {
    std::cout << jsonOf(issued).dump(2) << "\n";
    return;
  }
  std::cout << issued.certificate << "\n";
  if (!issued.key.empty() && issued.kind != "authority") std::cout << issued.key << "\n";
}

void printList(const std::vector<Issued>& all, bool json) {
  if (json) {
    Json list = Json::array();
    for (const Issued& issued : all) list.push_back(jsonOf(issued));
    std::cout << list.dump(2) << "\n";
    return;
  }
  for (const Issued& issued : all) {
    std::cout << issued.kind << "  " << issued.name << "  " << issued.state << "  until "
              << dayText(issued.facts.notAfterSeconds) << "  serial " << issued.facts.mark.serial
              << "\n";
  }
}

class Pki {
 public:
  Pki(const cxxopts::ParseResult& arguments, Words words)
      : arguments_(arguments), words_(std::move(words)), json_(arguments.count("json") != 0) {}

  void init() {
    if (text("cluster").empty()) throw CommandError(kExitUsage, "init wants --cluster NAME");
    PkiDirectory made = PkiDirectory::create(words_[0], text("cluster"));
    print(made.list().front(), json_);
  }

  void node() { print(directory().issueNode(words_[0], names(), days(90)), json_); }

  void sign() {
    if (text("request").empty()) throw CommandError(kExitUsage, "sign wants --request FILE");
    print(directory().certifyNode(words_[0], text("request"), days(90)), json_);
  }

  void client() {
    const Words roles = {"observer", "operator", "admin"};
    std::string role = text("role");
    if (std::find(roles.begin(), roles.end(), role) == roles.end()) {
      throw CommandError(kExitUsage, role.empty()
                                         ? "client wants --role observer, operator or admin"
                                         : "--role: there is no \"" + role + "\"" +
                                               support::suggestion(role, roles));
    }
    print(directory().issueClient(role, words_[0], days(7)), json_);
  }

  void token() {
    PkiDirectory pki = directory();
    makeToken(pki, {words_[0], names(), days(90), text("valid")}, form());
  }

  void tokens() {
    PkiDirectory pki = directory();
    showTokens(pki, form());
  }

  void withdraw() {
    PkiDirectory pki = directory();
    withdrawToken(pki, words_[0], form());
  }

  void serve() {
    PkiDirectory pki = directory();
    serveEnrolment(pki, {text("listen"), text("for"), arguments_["count"].as<int64_t>()}, form());
  }

  void show() {
    if (words_.empty()) {
      printList(directory().list(), json_);
    } else {
      printList({directory().find(words_[0])}, json_);
    }
  }

  void renew() { print(directory().renew(words_[0], days(0)), json_); }

  void revoke() {
    PkiDirectory pki = directory();
    bool added = pki.deny(words_[0]);
    std::string list = pki.file("denied.list");
    if (json_) {
      std::cout << Json{{"denied", list}, {"added", added}}.dump(2) << "\n";
    } else {
      std::cout << (added ? "added to " : "already in ") << list
                << "; agents refuse it once they have this file and are reloaded\n";
    }
  }

 private:
  std::string text(const char* option) const { return arguments_[option].as<std::string>(); }

  Form form() const { return json_ ? Form::kJson : Form::kText; }

  Words names() const {
    return arguments_.count("san") == 0 ? Words() : arguments_["san"].as<Words>();
  }

  int64_t days(int64_t initial) const {
    if (arguments_.count("days") == 0) return initial;
    int64_t count = arguments_["days"].as<int64_t>();
    if (count < 1 || count > kDaysMax) {
      throw CommandError(kExitUsage,
                         "--days: " + std::to_string(count) + " is not between 1 and 3650");
    }
    return count;
  }

  PkiDirectory directory() const { return PkiDirectory(text("dir")); }

  const cxxopts::ParseResult& arguments_;
  Words words_;
  bool json_;
};

void refuseStrangeOptions(const cxxopts::ParseResult& arguments, const std::string& action) {
  const Words& known = actions().at(action).options;
  for (const auto& given : arguments.arguments()) {
    const std::string& name = given.key();
    if (name == "dir" || name == "json") continue;
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    throw CommandError(kExitUsage, action + " has no option --" + name);
  }
}

void perform(Pki& pki, const std::string& action) {
  const std::map<std::string, void (Pki::*)()> methods = {
      {"init", &Pki::init},         {"node", &Pki::node},   {"sign", &Pki::sign},
      {"client", &Pki::client},     {"show", &Pki::show},   {"renew", &Pki::renew},
      {"revoke", &Pki::revoke},     {"token", &Pki::token}, {"tokens", &Pki::tokens},
      {"withdraw", &Pki::withdraw}, {"serve", &Pki::serve}};
  (pki.*methods.at(action))();
}

}  // namespace

int runPki(const Invocation& invocation) {
  cxxopts::Options options = optionsOf(invocation);
  const char* environment = getenv("MUSTER_PKI");
  auto add = options.add_options();
  auto word = [](const std::string& initial) {
    return cxxopts::value<std::string>()->default_value(initial);
  };
  add("dir", "where the authority is (default: $MUSTER_PKI, else pki)",
      word(environment != nullptr && *environment != '\0' ? environment : "pki"));
  add("json", "as JSON");
  add("cluster", "init: the cluster's name", word(""));
  add("san", "node, token: another name that the certificate is for; may be given several times",
      cxxopts::value<Words>());
  add("request", "sign: the file with the node's request, PEM", word(""));
  add("role", "client: observer, operator or admin", word(""));
  add("days", "how long it is valid (default: node, sign and token 90, client 7, renew as before)",
      cxxopts::value<int64_t>());
  add("valid", "token: how long it may be used", word("1h"));
  add("listen", "serve: ADDRESS:PORT", word("0.0.0.0:7412"));
  add("for", "serve: how long, at most 7d", word("10m"));
  add("count", "serve: end after so many nodes (0: any number)",
      cxxopts::value<int64_t>()->default_value("0"));
  cxxopts::ParseResult arguments = parseArguments(invocation, options, kFooter);
  Words words = positional(arguments, invocation, 1, 2);
  std::string action = words[0];
  words.erase(words.begin());
  auto known = actions().find(action);
  if (known == actions().end()) {
    Words names;
    for (const auto& [name, ignored] : actions()) names.push_back(name);
    throw CommandError(kExitUsage, "there is no \"muster pki " + action + "\"" +
                                       support::suggestion(action, names));
  }
  if (words.size() < known->second.wordsLeast || words.size() > known->second.wordsMost) {
    throw CommandError(kExitUsage, words.empty()
                                       ? action + " wants one more word; see muster pki --help"
                                       : "one word too many: \"" + words.back() + "\"");
  }
  refuseStrangeOptions(arguments, action);
  Pki pki(arguments, words);
  perform(pki, action);
  return kExitOk;
}

}  // namespace harness
