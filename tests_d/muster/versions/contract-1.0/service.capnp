@0xacb005c5ce8bb39e;
using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";
interface ServiceView {
  status @0 (name :Text) -> (status :ServiceStatus, error :Common.Error);
}
interface Services extends(ServiceView) {
  act @0 (name :Text, action :ServiceAction, deadlineNs :Int64)
      -> (status :ServiceStatus, output :Data, error :Common.Error);
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
  substate @2 :Text;
  mainPid @3 :Int32;
  enabled @4 :Enabled;
  description @5 :Text;
  log @6 :List(Text);
  enum Manager {
    unspecified @0;
    systemd @1;
    sysv @2;
  }
  enum State {
    unspecified @0;
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
