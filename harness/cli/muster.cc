#include "harness/cli/muster.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <streambuf>

#include <muster/node_error.h>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/completion.h"
#include "harness/cli/help.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/options.h"
#include "harness/cli/output.h"
#include "harness/cluster/cluster_file.h"
#include "harness/cluster/node_expression.h"
#include "harness/os/error.h"
#include "harness/os/signals.h"
#include "harness/pki/error.h"
#include "harness/provision/choice.h"
#include "harness/provision/error.h"
#include "schema/support/base/text.h"
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

int statusOf(const muster::NodeError& error) {
  return error.kind() == muster::NodeError::Kind::kInvalid ? kExitUsage : kExitUnavailable;
}

int statusOf(const ChoiceError& error) {
  return error.kind() == ChoiceError::Kind::kNoPermission ? kExitNoPermission : kExitUnavailable;
}

int statusOf(const ProvisionError& error) {
  switch (error.kind()) {
    case ProvisionError::Kind::kNoPermission:
    case ProvisionError::Kind::kNotPossibleHere:
      return kExitNoPermission;
    case ProvisionError::Kind::kNoSuchCluster:
    case ProvisionError::Kind::kNoAnswer:
      return kExitUnavailable;
    case ProvisionError::Kind::kFailed:
      break;
  }
  return kExitCannotCreate;
}

int perform(const CommandLine& line) {
  switch (line.wish) {
    case CommandLine::Wish::kRunCommand:
      return line.command->run(*line.arguments);
    case CommandLine::Wish::kShowHelp:
      std::cout << (line.command == nullptr ? overview() : helpOf(*line.command));
      return kExitOk;
    case CommandLine::Wish::kShowVersion:
      std::cout << "muster " << support::kVersion << "\n";
      return kExitOk;
    case CommandLine::Wish::kNothing:
      std::cerr << overview();
      break;
  }
  return kExitUsage;
}

// Tells whether the command was asked for its result as JSON.
bool wantsJson(const CommandLine& line) {
  if (!line.arguments) return false;
  OptionList options = line.command->options();
  bool isPossible = std::find(options.begin(), options.end(), &kJson) != options.end();
  return isPossible && (*line.arguments)[kJson];
}

// Runs `call`, which returns an exit status, and turns what it throws into a text and a status.
// `isJson` is looked at when it throws.
template <typename Call>
int guarded(const std::string& speaker, const bool& isJson, Call&& call) {
  auto complain = [&speaker](const std::exception& error, int status) {
    std::cout.flush();
    std::cerr << speaker << ": " << support::printable(error.what(), support::Lines::kMany) << "\n";
    return status;
  };
  try {
    return call();
  } catch (const OutputClosed&) {
    endByClosedOutput();
  } catch (const CommandError& error) {
    return complain(error, error.status());
  } catch (const ClusterFileError& error) {
    return complain(error, kExitData);
  } catch (const NodeExpressionError& error) {
    return complain(error, kExitData);
  } catch (const AuthorityError& error) {
    return complain(error, statusOf(error));
  } catch (const ChoiceError& error) {
    return complain(error, statusOf(error));
  } catch (const ProvisionError& error) {
    return complain(error, statusOf(error));
  } catch (const muster::NodeError& error) {
    if (isJson) printJson({{"errors", errorsJson({error})}});
    return complain(error, statusOf(error));
  } catch (const SystemError& error) {
    return complain(error, kExitCannotCreate);
  } catch (const std::exception& error) {
    return complain(error, kExitInternal);
  }
}

// Stands before the buffer of standard output and remembers why a write failed: a message on
// standard error, to which it is tied, may have flushed it long before anybody looks.
class CheckedOutput final : public std::streambuf {
 public:
  CheckedOutput() : before_(std::cout.rdbuf(this)) {}
  ~CheckedOutput() override { std::cout.rdbuf(before_); }
  CheckedOutput(const CheckedOutput&) = delete;
  CheckedOutput& operator=(const CheckedOutput&) = delete;

  // A result that did not arrive whole is a failure, whatever came before: a script reads it.
  int check(const std::string& speaker, int status) {
    std::cout.flush();
    if (std::cout) return status;
    if (isOutputClosed()) endByClosedOutput();
    std::cerr << speaker
              << ": standard output could not be written to its end: " << std::strerror(error_)
              << "\n";
    return kExitIo;
  }

 protected:
  int overflow(int byte) override { return noted(before_->sputc(traits_type::to_char_type(byte))); }
  int sync() override { return noted(before_->pubsync()); }
  std::streamsize xsputn(const char* bytes, std::streamsize size) override {
    std::streamsize written = before_->sputn(bytes, size);
    noted(written == size ? 0 : traits_type::eof());
    return written;
  }

 private:
  int noted(int result) {
    if (result < 0 && error_ == 0) error_ = errno;
    return result;
  }

  std::streambuf* before_;
  int error_ = 0;
};

}  // namespace

int runMuster(const std::vector<std::string>& words) {
  CheckedOutput output;
  std::string speaker = "muster";
  bool isJson = false;
  int status = guarded(speaker, isJson, [&] {
    if (words.size() == 3 && words[0] == "__complete") return answerCompletion(words[1], words[2]);
    CommandLine line = parseCommandLine(words);
    isJson = wantsJson(line);
    if (line.command != nullptr) speaker += std::string(" ") + line.command->name;
    for (const std::string& note : line.notes) std::cerr << speaker << ": " << note << "\n";
    return perform(line);
  });
  status = output.check(speaker, status);
  if (interruptedBy() != 0) endBySignal(interruptedBy());
  return status;
}

}  // namespace harness
