// The program: reads the options, does what they say, and turns what goes wrong into one line and
// an exit status.
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include <exception>

#include <kj/debug.h>
#include <openssl/crypto.h>

#include "nodeagent/config/logging.h"
#include "nodeagent/config/options.h"
#include "nodeagent/config/read_credentials.h"
#include "nodeagent/disk/disk_layer.h"
#include "nodeagent/enrol/enrol.h"
#include "nodeagent/exec/shim_starter.h"
#include "nodeagent/front/front_process.h"
#include "nodeagent/init/init.h"
#include "nodeagent/keeper/keeper_process.h"
#include "nodeagent/netfault/hog.h"
#include "nodeagent/os/environment.h"
#include "nodeagent/os/own_program.h"
#include "nodeagent/relay/relay.h"
#include "nodeagent/session/audit_log.h"
#include "nodeagent/shim/shim.h"
#include "nodeagent/sync/sync_command.h"
#include "schema/agent.capnp.h"
#include "schema/support/base/config.h"
#include "schema/support/base/exit_status.h"
#include "schema/support/base/standard_streams.h"
#include "schema/support/base/trusted_file.h"
#include "schema/support/base/version.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/tls/pki.h"

namespace nodeagent {
namespace {

using enum support::ExitStatus;

int complain(const char* text, int status) {
  fprintf(stderr, "nodeagent: %s\n", text);
  return status;
}

int statusOf(wire::Error::Kind kind) {
  switch (kind) {
    case wire::Error::Kind::INVALID:
    case wire::Error::Kind::NOT_FOUND:
      return kExitConfig;
    case wire::Error::Kind::CONFLICT:
      return kExitCannotCreate;
    case wire::Error::Kind::INTERNAL:
      return kExitInternal;
    default:
      return kExitSystem;
  }
}

int statusOf(EnrolTrouble trouble) {
  switch (trouble) {
    case EnrolTrouble::kUnreachable:
      return kExitUnavailable;
    case EnrolTrouble::kBusy:
      return kExitTryAgain;
    case EnrolTrouble::kWrongServer:
      return kExitProtocol;
    case EnrolTrouble::kTokenRefused:
      return kExitNoPermission;
    case EnrolTrouble::kBadAnswer:
      break;
  }
  return kExitData;
}

int runInitRole(const Options& options) {
  InitOptions init;
  auto agent = kj::heapArrayBuilder<kj::String>(options.arguments.size() + 2);
  std::string program = ownProgram();
  agent.add(kj::str(program.empty() ? "/usr/sbin/nodeagent" : program.c_str()));
  for (const std::string& argument : options.arguments) agent.add(kj::str(argument.c_str()));
  agent.add(kj::str("--role=all"));
  init.agent = agent.finish();
  init.bootScript = kj::str(options.bootScript.c_str());
  init.bootLog = kj::str(options.bootLog.c_str());
  // Where the maker of a bare node looks, if this is one.
  bool made = options.bootStatus.empty() && access("/run/muster", F_OK) == 0;
  init.bootStatus = kj::str(made ? "/run/muster/boot.status" : options.bootStatus.c_str());
  return runInit(init);
}

// The key is made here and stays here. An existing one is not replaced.
void printRequest(const Options& options) {
  if (options.tlsKey.empty()) {
    throw support::ConfigError("tls.key is not set; it names the file that the key is to be in");
  }
  if (!support::isCertificateName(options.nodeName)) {
    throw support::ConfigError("node \"" + options.nodeName + "\" is no name for a certificate");
  }
  support::CertificateRequest made = support::makeRequest(options.nodeName);
  support::writeTrustedFile(options.tlsKey, made.key, 0600, support::Overwrite::kNever);
  fputs(made.request.c_str(), stdout);
}

int serve(const Options& options) {
  switch (options.role) {
    case AgentRole::kFront:
      startLog(options, "front");
      return runFront(options);
    case AgentRole::kInit:
      startLog(options, "init");
      return runInitRole(options);
    default:
      startLog(options, "keeper");
      return runKeeper(options);
  }
}

int perform(const Options& options) {
  switch (options.task) {
    case Task::kPrintHelp:
      fputs((helpText() + syncHelpText()).c_str(), stdout);
      return 0;
    case Task::kPrintVersion:
      printf("nodeagent %s, protocol %u.%u\n", support::kVersion, unsigned{wire::PROTOCOL_MAJOR},
             unsigned{wire::PROTOCOL_MINOR});
      return 0;
    case Task::kCheckConfig:
      readCredentials(options);
      puts("the configuration is fine");
      return 0;
    case Task::kPrintConfig:
      fputs(configText(options).c_str(), stdout);
      return 0;
    case Task::kMakeRequest:
      printRequest(options);
      return 0;
    case Task::kEnrol:
      puts(enrol(options).c_str());
      return 0;
    case Task::kVerifyAudit: {
      AuditVerdict verdict = verifyAudit(options.auditToVerify);
      fprintf(verdict.good ? stdout : stderr, "%s\n", verdict.text.c_str());
      return verdict.good ? 0 : 1;
    }
    case Task::kServe:
      return serve(options);
  }
  return kExitInternal;
}

// A caller that reads half of an answer must not take it for the whole.
int checkOutput(int status) {
  if (fflush(stdout) == 0 && ferror(stdout) == 0) return status;
  return complain("standard output could not be written to its end", kExitIo);
}

int run(const std::vector<std::string>& arguments) {
  try {
    // Not a role of the configuration: only a keeper starts it.
    if (arguments.size() == 2 && arguments[0] == exec::kShimArgument) {
      return runShim(arguments[1].c_str());
    }
    if (!arguments.empty() && arguments[0] == netfault::kHogArgument) {
      return netfault::runHog({arguments.begin() + 1, arguments.end()});
    }
    if (!arguments.empty() && arguments[0] == disk::kLayerArgument) {
      return disk::runLayer({arguments.begin() + 1, arguments.end()});
    }
    if (!arguments.empty() && arguments[0] == relay::kRelayArgument) {
      return relay::runRelay({arguments.begin() + 1, arguments.end()});
    }
    if (isSyncCommand(arguments)) {
      return checkOutput(runSyncCommand(arguments, environmentMap()));
    }
    return checkOutput(perform(readOptions(arguments, environmentMap())));
  } catch (const UsageError& error) {
    return complain((std::string(error.what()) + "; see nodeagent --help").c_str(), kExitUsage);
  } catch (const EnrolError& error) {
    return complain(error.what(), statusOf(error.trouble()));
  } catch (const support::ConfigError& error) {
    return complain(error.what(), kExitConfig);
  } catch (const support::FileError& error) {
    return complain(error.what(), kExitCannotCreate);
  } catch (const kj::Exception& exception) {
    support::Failure failure = support::toFailure(exception, "start");
    return complain(failure.text.cStr(), statusOf(failure.kind));
  } catch (const std::exception& exception) {
    return complain(exception.what(), kExitInternal);
  }
}

}  // namespace
}  // namespace nodeagent

int main(int count, char* words[]) {
  support::openStandardStreams();
  // Bulk frames come and go by the MiB. With the defaults each would be mapped, filled with zeroed
  // pages and unmapped again, which costs more than carrying it.
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 4 << 20);
  // What a node's openssl.cnf says is for the node's programs, and reading it costs time and
  // memory.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  return nodeagent::run(std::vector<std::string>(words + (count > 0 ? 1 : 0), words + count));
}
