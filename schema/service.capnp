@0xacb005c5ce8bb39e;
# Controls the node's services by whichever manager runs it: systemd, or SysV init scripts in /etc/init.d.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";

interface ServiceView $Common.least(observer) {
  status @0 (name :Text) -> (status :ServiceStatus, error :Common.Error);
  # `name` is a unit ("glusterd", "ssh.socket") or the name of an init script. Errors: notFound, invalid (a name with
  # "/" or control characters), unsupported (the node has no manager that we know).
}

interface Services extends(ServiceView) $Common.least(operator) {
  act @0 (name :Text, action :ServiceAction, deadlineNs :Int64)
      -> (status :ServiceStatus, output :Data, error :Common.Error);
  # Asks the manager, waits until it says that it is done, and answers the status afterwards. Actions are idempotent
  # except restart and reload, which act each time. `output` holds the first 16 KiB that the manager's own tool wrote,
  # also beside an error. deadlineNs is positive and at most 10 min. Errors: notFound, system (the action failed; the
  # text has the reason and the manager's exit status), timeout, unsupported.
}

enum ServiceAction {
  unspecified @0;
  start @1;
  stop @2;
  restart @3;
  reload @4;
  enable @5;
  disable @6;
}

struct ServiceStatus {
  manager @0 :Manager;
  state @1 :State;
  substate @2 :Text;       # The manager's own word, such as "exited" or "auto-restart". Empty: it has none.
  mainPid @3 :Int32;       # 0: none or unknown.
  enabled @4 :Enabled;
  description @5 :Text;
  log @6 :List(Text);      # The last lines of its log where the manager keeps one; at most 20.

  enum Manager {
    unspecified @0;
    systemd @1;
    sysv @2;
  }
  enum State {
    unspecified @0;        # The script has no status action, or an answer outside of LSB.
    running @1;
    starting @2;
    stopping @3;
    stopped @4;
    failed @5;
  }
  enum Enabled {
    unspecified @0;
    enabled @1;
    disabled @2;
    masked @3;
    static @4;
  }
}
