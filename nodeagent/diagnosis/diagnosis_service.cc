#include "nodeagent/diagnosis/diagnosis_service.h"

#include <set>
#include <utility>
#include <vector>

#include "nodeagent/diagnosis/core_file.h"
#include "nodeagent/diagnosis/found_crash.h"
#include "nodeagent/diagnosis/journal_crashes.h"
#include "nodeagent/diagnosis/kernel_deaths.h"
#include "nodeagent/diagnosis/process_table.h"
#include "nodeagent/diagnosis/report_files.h"
#include "nodeagent/os/init_system.h"
#include "schema/diagnosis.capnp.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace diagnosis {
namespace {

using Source = wire::Crash::Source;

// A file system that hangs keeps each thread that looks into it.
constexpr size_t kThreads = 2;
constexpr size_t kCrashesMax = 256;

// What a look on another thread begins with.
struct Places {
  int64_t sinceRealtimeNs = 0;
  std::vector<std::string> directories;
  std::vector<std::string> reports;
};

FoundCrash crashOf(CoreFile&& core) {
  FoundCrash crash;
  crash.source = Source::CORE;
  crash.key = std::move(core.key);
  crash.pid = core.pid;
  crash.program = std::move(core.program);
  crash.signal = core.signal;
  crash.wasDumped = true;
  crash.path = std::move(core.path);
  crash.executable = std::move(core.executable);
  return crash;
}

void append(std::vector<FoundCrash>&& some, std::vector<FoundCrash>* all) {
  for (FoundCrash& crash : some) {
    if (all->size() < kCrashesMax) all->push_back(std::move(crash));
  }
}

// A directory that no process has any more is one that a command was started in.
std::vector<FoundCrash> look(Places places) {
  std::set<std::string> directories(places.directories.begin(), places.directories.end());
  CorePattern pattern = corePattern();
  bool isRelative =
      pattern.kind == CorePattern::Kind::kFiles && !pattern.directory.starts_with('/');
  if (isRelative) {
    for (std::string& directory : directoriesOfProcesses()) directories.insert(directory);
  }
  std::vector<FoundCrash> all;
  for (CoreFile& core :
       findCores(pattern, {directories.begin(), directories.end()}, places.sinceRealtimeNs)) {
    if (all.size() < kCrashesMax) all.push_back(crashOf(std::move(core)));
  }
  append(findReports(places.reports, places.sinceRealtimeNs), &all);
  bool hasJournal =
      pattern.kind == CorePattern::Kind::kSystemd || initSystem() == InitSystem::kSystemd;
  if (hasJournal) append(journalCrashes(places.sinceRealtimeNs), &all);
  return all;
}

Source sourceOf(Death::Kind kind) {
  switch (kind) {
    case Death::Kind::kCommand:
      return Source::COMMAND;
    case Death::Kind::kMemory:
      return Source::MEMORY;
    case Death::Kind::kReport:
      return Source::REPORT;
    case Death::Kind::kKernel:
      return Source::KERNEL;
  }
  return Source::UNSPECIFIED;
}

capnp::Data::Reader dataOf(const std::string& text) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size());
}

void write(wire::Crash::Builder crash, const Death& death, const std::string& epoch) {
  crash.setSource(sourceOf(death.kind));
  crash.setKey(dataOf(epoch + std::to_string(death.position)));
  crash.setPid(death.pid);
  crash.setProgram(dataOf(death.program));
  crash.setSignal(death.signal);
  crash.setJobNumber(death.number);
  crash.setProvoked(death.isProvoked);
  crash.setDumped(death.hasDumped);
  crash.setOutOfMemory(death.wasOutOfMemory);
  crash.setText(dataOf(death.text));
}

void write(wire::Crash::Builder crash, const FoundCrash& found, const Deaths& deaths) {
  crash.setSource(found.source);
  crash.setKey(dataOf(found.key));
  crash.setPid(found.pid);
  crash.setProgram(dataOf(found.program));
  crash.setSignal(found.signal);
  crash.setDumped(found.wasDumped);
  crash.setOutOfMemory(found.wasOutOfMemory);
  crash.setPath(dataOf(found.path));
  crash.setExecutable(dataOf(found.executable));
  crash.setText(dataOf(found.text));
  // Callers name a service with or without its ending.
  constexpr std::string_view kEnding = ".service";
  std::string service = found.service;
  if (service.ends_with(kEnding)) service.resize(service.size() - kEnding.size());
  crash.setProvoked(deaths.isProvoked(found.pid, found.signal) ||
                    deaths.isProvoked(service, found.signal) ||
                    deaths.isProvoked(found.service, found.signal));
}

// What all connections share.
struct Finder {
  explicit Finder(ServiceHost& serviceHost)
      : host(serviceHost), worker(host.platform.makeWorker(kThreads)) {}

  ServiceHost& host;
  const std::string epoch = support::Id::random().text();
  KernelDeaths kernel;
  kj::Own<Worker> worker;
};

class DiagnosisServer final : public wire::Diagnosis::Server {
 public:
  DiagnosisServer(Finder& finder, kj::Own<Session> session)
      : finder_(finder), session_(kj::mv(session)), wholeId_(session_->whole().id()) {}

  kj::Promise<void> crashes(CrashesContext context) override {
    return support::answer(context, "diagnosis.crashes", [this, context]() mutable {
      Deaths& deaths = finder_.host.deaths;
      finder_.kernel.readOn(deaths);
      auto from = context.getParams().getFrom();
      auto epoch = from.getEpoch();
      bool isOurs = epoch == dataOf(finder_.epoch);
      auto next = context.getResults().initNext();
      next.setEpoch(dataOf(finder_.epoch));
      next.setPosition(deaths.position());
      next.setRealtimeNs(finder_.host.platform.clock().realtimeNs());
      if (from.getRealtimeNs() <= 0) return kj::Promise<void>(kj::READY_NOW);
      Places places{from.getRealtimeNs(), deaths.directories(), deaths.reports()};
      auto known = deaths.since(isOurs ? from.getPosition() : 0, wholeId_);
      return finder_.worker
          ->run([places = std::move(places)]() mutable { return look(std::move(places)); })
          .then([this, context, known = std::move(known)](std::vector<FoundCrash>&& found) mutable {
            auto list = context.getResults().initCrashes(
                static_cast<unsigned>(known.size() + found.size()));
            unsigned i = 0;
            for (const Death& death : known) write(list[i++], death, finder_.epoch);
            for (const FoundCrash& crash : found) write(list[i++], crash, finder_.host.deaths);
          });
    });
  }

  kj::Promise<void> processes(ProcessesContext context) override {
    return support::answer(context, "diagnosis.processes", [this, context]() mutable {
      return finder_.worker->run([]() { return processTable(); })
          .then([context](std::string&& text) mutable {
            context.getResults().setText(dataOf(text));
          });
    });
  }

 private:
  Finder& finder_;
  kj::Own<Session> session_;
  const support::Id wholeId_;
};

class DiagnosisService final : public AgentService {
 public:
  explicit DiagnosisService(ServiceHost& host) : finder_(host) {}

  kj::Array<Offer> offers() override {
    return kj::arr(offer<wire::Diagnosis>(
        [this](Session& session) { return kj::heap<DiagnosisServer>(finder_, session.addRef()); }));
  }

  bool close(kj::Duration limit) override { return finder_.worker->close(limit); }

 private:
  Finder finder_;
};

}  // namespace
}  // namespace diagnosis

kj::Own<AgentService> makeDiagnosis(ServiceHost& host) {
  return kj::heap<diagnosis::DiagnosisService>(host);
}

}  // namespace nodeagent
