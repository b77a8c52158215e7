#include "harness/provision/ssh/host_error.h"

#include <algorithm>
#include <vector>

#include "schema/support/base/text.h"

namespace harness {
namespace {

constexpr size_t kLinesMax = 3;
constexpr size_t kBytesMax = 600;

struct Remedy {
  const char* words;
  std::string (*text)(const std::string& host);
};

std::string forwardingRemedy(const std::string&) {
  return "the host's ssh server forbids forwarding, or the agent does not listen; allow it by "
         "AllowTcpForwarding in sshd_config, or open the agent's port and say \"control: direct\"";
}

const std::vector<Remedy>& remedies() {
  // The first that fits is taken, so that a jump host's words come before those of what follows
  // from them.
  static const std::vector<Remedy> kRemedies = {
      {"REMOTE HOST IDENTIFICATION HAS CHANGED",
       [](const std::string& host) {
         return "another machine answers, or the host was installed anew; if that is so, remove "
                "its "
                "old key by \"ssh-keygen -R " +
                host + "\" and log in once to accept the new one";
       }},
      {"Host key verification failed",
       [](const std::string& host) {
         return "its key is not known here; log in once by \"ssh " + host +
                "\" and compare the fingerprint, or add the key to known_hosts";
       }},
      {"Could not resolve hostname",
       [](const std::string&) {
         return std::string(
             "the name is not known here; correct the key \"host\", or give the host a HostName in "
             "ssh's configuration");
       }},
      {"Permission denied",
       [](const std::string& host) {
         return "the host takes no key of this user; try \"ssh -o BatchMode=yes " + host +
                "\", add a key by ssh-add or the key \"identity\", or name another \"user\"";
       }},
      {"Connection refused",
       [](const std::string&) {
         return std::string("no ssh server listens there; start sshd, or set the key \"port\"");
       }},
      {"timed out",
       [](const std::string&) {
         return std::string(
             "the host is off, or a firewall drops ssh; a host behind another needs the key "
             "\"jump\"");
       }},
      {"No route to host",
       [](const std::string&) {
         return std::string(
             "the host is off or in another network; a host behind another needs the key \"jump\"");
       }},
      {"administratively prohibited", forwardingRemedy},
      {"Session open refused by peer", forwardingRemedy},
      {"a password is required",
       [](const std::string&) {
         return std::string(
             "sudo asks for a password; allow the user to run /usr/bin/env by NOPASSWD in sudoers, "
             "or log in as root");
       }},
      {"Bad configuration option",
       [](const std::string&) {
         return std::string("the file of the key \"config\" is not one of ssh");
       }},
  };
  return kRemedies;
}

}  // namespace

std::string remedyFor(const std::string& errors, const std::string& host) {
  for (const Remedy& remedy : remedies()) {
    if (errors.find(remedy.words) != std::string::npos) return remedy.text(host);
  }
  return "";
}

std::string lastLines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find_first_of("\r\n", begin), text.size());
    // A line that begins with a space is a command that ssh proposes, which the remedy has.
    if (end > begin && text[begin] != ' ') lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  std::string result;
  for (size_t i = lines.size() > kLinesMax ? lines.size() - kLinesMax : 0; i < lines.size(); ++i) {
    result += (result.empty() ? "" : " | ") + lines[i];
  }
  if (result.ends_with(".")) result.pop_back();
  return support::printable(support::endOf(result, kBytesMax));
}

}  // namespace harness
