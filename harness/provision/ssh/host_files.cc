#include "harness/provision/ssh/host_files.h"

#include <stdexcept>

#include "harness/provision/ssh/host_texts.h"

namespace harness {
namespace {

// Replaces the line of `text` that begins with `beginning`. Without a line, a part of the line goes
// with its newline. A packaged file that has no such line is a mistake of ours.
void replaceLine(std::string& text, const std::string& beginning, const std::string& line) {
  size_t at = text.find("\n" + beginning);
  if (at == std::string::npos) throw std::logic_error("no line \"" + beginning + "\"");
  size_t end = text.find('\n', at + 1);
  text.replace(at + 1, end - at - 1, line);
}

AgentFile certificate(const std::vector<AgentFile>& files, const std::string& name) {
  for (const AgentFile& file : files) {
    if (file.path.ends_with("/" + name)) return {name, file.content, file.mode};
  }
  throw std::logic_error("no file " + name + " among those of the node");
}

std::string configFor(const SshNode& node, const HostPlace& place) {
  std::string port = ":" + std::to_string(node.agentPort);
  std::string listen = "  - \"tls:127.0.0.1" + port + "\"\n";
  if (node.control != ControlWay::kSsh) {
    listen = "  - \"tls:0.0.0.0" + port + "\"\n";
    if (place.hasIpv6) listen += "  - \"tls:[::]" + port + "\"\n";
  }
  return "# Written by muster when the node was made.\nnode: " + node.name + "\nlisten:\n" +
         listen + "state-dir: \"" + place.state + "\"\ntls:\n  authority: \"" + place.home +
         "/ca.pem\"\n  certificate: \"" + place.home + "/node.pem\"\n  key: \"" + place.home +
         "/node.key\"\n";
}

}  // namespace

std::string unitFor(const SshNode& node, const HostPlace& place, const AgentOwner& owner) {
  std::string text = kPackagedUnit;
  std::string program = place.home + "/nodeagent";
  std::string options = " --config=" + place.home + "/nodeagent.yaml";
  replaceLine(text, "Description=",
              "Description=Muster agent of node " + node.name + " of cluster " + owner.cluster);
  replaceLine(text, "# The file may set AGENT_OPTIONS.",
              "# Written by muster when the node was made.");
  replaceLine(text, "EnvironmentFile=", "");
  replaceLine(text, "ExecStartPre=", "ExecStartPre=" + program + " --check-config" + options);
  replaceLine(text, "ExecStart=", "ExecStart=" + program + options);
  replaceLine(text, "RuntimeDirectory=", "RuntimeDirectory=muster-agent-" + place.key);
  return text;
}

std::string initScriptFor(const HostPlace& place) {
  std::string text = kPackagedInitScript;
  replaceLine(text, "# Provides:", "# Provides:          muster-agent-" + place.key);
  replaceLine(text, "DAEMON=", "DAEMON=" + place.home + "/nodeagent");
  replaceLine(text, "PIDFILE=", "PIDFILE=" + place.home + "/pid");
  replaceLine(text, "LOGFILE=", "LOGFILE=" + place.home + "/log");
  replaceLine(text, "AGENT_OPTIONS=", "AGENT_OPTIONS=--config=" + place.home + "/nodeagent.yaml");
  replaceLine(text, "DEFAULTS=", "DEFAULTS=/dev/null");
  return text;
}

std::vector<AgentFile> hostFiles(const SshNode& node, const HostPlace& place,
                                 const AgentOwner& owner,
                                 const std::vector<AgentFile>& certificates) {
  std::string about = "of node " + node.name + " of cluster " + owner.cluster + " of " +
                      owner.owner + "\nport " + std::to_string(node.agentPort) + "\n";
  return {{"nodeagent.yaml", configFor(node, place), 0600},
          certificate(certificates, "ca.pem"),
          certificate(certificates, "node.pem"),
          certificate(certificates, "node.key"),
          {"unit", unitFor(node, place, owner), 0644},
          {"script", initScriptFor(place), 0755},
          {"about", about, 0644}};
}

}  // namespace harness
