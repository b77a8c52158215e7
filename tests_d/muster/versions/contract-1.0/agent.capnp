@0xf96bb342e73c9de6;
using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";
using Job = import "job.capnp";
using File = import "file.capnp";
using Service = import "service.capnp";
using Facts = import "facts.capnp";
const protocolMajor :UInt16 = 1;
const protocolMinor :UInt16 = 0;
interface Gate {
  hello @0 (greeting :Greeting) -> (welcome :Welcome, session :Session, error :Common.Error);
}
struct Greeting {
  protocolMajor @0 :UInt16;
  protocolMinor @1 :UInt16;
  build @2 :Text;
  nodeName @3 :Text;
  sessionId @4 :Data;
  attach @5 :Attach;
  leaseNs @6 :Int64;
  silenceMaxNs @7 :Int64;
  labels @8 :List(Common.Label);
}
enum Attach {
  createOrAttach @0;
  attachOnly @1;
}
struct Welcome {
  protocolMajor @0 :UInt16;
  protocolMinor @1 :UInt16;
  build @2 :Text;
  nodeName @3 :Text;
  bootId @4 :Text;
  keeperEpoch @5 :Data;
  attached @6 :Bool;
  identity @7 :Text;
  role @8 :Role;
  grants @9 :Grants;
  limits @10 :Limits;
  clock @11 :Clock;
}
enum Role {
  unspecified @0;
  observer @1;
  operator @2;
  admin @3;
}
struct Grants {
  jobs @0 :Job.Jobs;
  jobView @1 :Job.JobView;
  files @2 :File.Files;
  fileView @3 :File.FileView;
  services @4 :Service.Services;
  serviceView @5 :Service.ServiceView;
  facts @6 :Facts.FactsView;
}
struct Limits {
  frameBytesMax @0 :UInt64;
  chunkBytesMax @1 :UInt64;
  jobsMax @2 :UInt32;
}
struct Clock {
  realtimeNs @0 :Int64;
  boottimeNs @1 :Int64;
}
interface Session {
  ping @0 () -> (clock :Clock);
  close @1 () -> (remains :List(Remain), error :Common.Error);
  struct Remain {
    what @0 :Text;
    reason @1 :Common.Error;
  }
}
