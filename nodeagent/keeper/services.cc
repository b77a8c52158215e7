#include "nodeagent/keeper/services.h"

#include "nodeagent/change/change_service.h"
#include "nodeagent/diagnosis/diagnosis_service.h"
#include "nodeagent/exec/exec_service.h"
#include "nodeagent/facts/facts_service.h"
#include "nodeagent/file/file_service.h"
#include "nodeagent/forward/forward_service.h"
#include "nodeagent/helper/helper_service.h"
#include "nodeagent/log/log_service.h"
#include "nodeagent/metrics/metrics_service.h"
#include "nodeagent/netfault/netfault_service.h"
#include "nodeagent/reserve/reserve_service.h"
#include "nodeagent/service/service_control.h"
#include "nodeagent/sync/sync_service.h"
#include "nodeagent/wait/wait_service.h"

namespace nodeagent {

// Every service is made here and nowhere else. Those that take back what a killed keeper has left
// come behind exec, which ends its commands.
kj::Array<kj::Own<AgentService>> makeServices(ServiceHost& host) {
  kj::Vector<kj::Own<AgentService>> services;
  services.add(makeExec(host));
  services.add(makeFile(host));
  services.add(makeForward(host));
  services.add(makeHelper(host));
  services.add(makeLog(host));
  services.add(makeMetrics(host));
  services.add(makeNetfault(host));
  services.add(makeServiceControl(host));
  services.add(makeFacts(host));
  services.add(makeDiagnosis(host));
  services.add(makeSync(host));
  services.add(makeWait(host));
  services.add(makeChange(host));
  services.add(makeReserve(host));
  return services.releaseAsArray();
}

}  // namespace nodeagent
