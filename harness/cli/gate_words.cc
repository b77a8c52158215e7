#include "harness/cli/gate_words.h"

#include "harness/cli/arguments.h"

namespace harness {

std::string environmentProblem(const std::string& text) {
  return verdict::environmentFrom(text) ? "" : "is no environment such as image=debian-12";
}

verdict::Gates gatesOf(const Arguments& arguments) {
  verdict::Gates gates;
  if (arguments.has(kGates)) {
    gates = readOrFail([&] { return verdict::readGates(arguments[kGates]); });
  }
  for (const std::string& text : arguments[kRequireEnvironment]) {
    gates.environments.push_back(*verdict::environmentFrom(text));
  }
  return gates;
}

}  // namespace harness
