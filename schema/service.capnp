@0xacb005c5ce8bb39e;
# Controls the node's services by whichever manager runs it: systemd, OpenRC, or SysV init scripts in /etc/init.d.
#
# `name` is a unit ("glusterd", "ssh.socket") or the name of an init script. `user` is empty for the node's own manager;
# a name or number means the systemd of that user (`systemctl --user`), which must run.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";

interface ServiceView $Common.least(observer) {
  status @0 (name :Text, user :Text $Common.since(4)) -> (status :ServiceStatus, error :Common.Error);
  # Errors: notFound (also a user), invalid (a name with "/" or control characters), unsupported (the node has no
  # manager that we know, or the user has none).

  awaitActive @1 (name :Text, user :Text, markRealtimeNs :Int64, waitNs :Int64)
      -> (status :ServiceStatus, markRealtimeNs :Int64, journal :List(Text), journalNote :Text, error :Common.Error);
  # Answers as soon as the service runs or has failed, or what it is after `waitNs` (at most 20 s). `markRealtimeNs` of
  # the first call is 0, and that of later ones what the answer had: the time on the node when the wait began, or when
  # the service began its present start, if that was earlier. Unless the service runs, `journal` has what it and its
  # manager have logged since then, the last 50 lines at most, and `journalNote` says why there is none. A last look may
  # take 10 s longer, and the journal as long again. Errors: those of `status`, and overloaded (64 such waits are under
  # way).
}

interface Services extends(ServiceView) $Common.least(operator) {
  act @0 (name :Text, action :ServiceAction, deadlineNs :Int64, user :Text $Common.since(4),
          restore :Bool $Common.since(4), signal :Int32 $Common.since(4))
      -> (status :ServiceStatus, output :Data, error :Common.Error);
  # Asks the manager, waits until it says that it is done, and answers the status afterwards. Actions are idempotent
  # except restart, reload and kill, which act each time. `output` holds the first 16 KiB that the manager's own tool
  # wrote, also beside an error. deadlineNs is positive and at most 10 min. `signal` is that of kill, and 0 otherwise.
  #
  # `restore`: whether the service runs, or whether it is enabled, is as it was before the session's first such action
  # again when the session ends, or the scope in which this is called. The node keeps that on its disk until then.
  #
  # A service that an earlier session's end could not bring back in time is not touched before it is as it was.
  #
  # Errors: notFound, system (the action failed; the text has the reason and the manager's exit status), timeout,
  # unsupported (the manager lacks the action; or the script does not tell whether the service runs, so that it cannot
  # be restored).
}

enum ServiceAction {
  unspecified @0;
  start @1;
  stop @2;
  restart @3;
  reload @4;
  enable @5;
  disable @6;
  mask @7 $Common.since(4);         # It cannot be started by anybody. systemd only.
  unmask @8 $Common.since(4);
  resetFailed @9 $Common.since(4);  # A failed service is a stopped one, and its count of starts begins anew.
  kill @10 $Common.since(4);        # Sends `signal` to its processes.
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
    openrc @3;
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
