#include "harness/provision/provisioners.h"

#include "harness/cluster/cluster_file.h"
#include "harness/provision/error.h"
#include "harness/provision/local/local.h"
#include "harness/provision/static/static.h"

namespace harness {

std::vector<std::string> provisionerNames() {
  return {"local", "static"};
}

std::unique_ptr<Provisioner> makeProvisioner(const std::string& name) {
  if (name == "local") return std::make_unique<LocalProvisioner>();
  if (name == "static") return std::make_unique<StaticProvisioner>();
  std::string known;
  for (const std::string& each : provisionerNames()) known += (known.empty() ? "" : ", ") + each;
  throw ProvisionError("no such provisioner: \"" + name + "\"; there are: " + known);
}

}  // namespace harness
