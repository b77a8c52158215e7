#include "nodeagent/log/source.h"

#include <unistd.h>

#include <mutex>

#include "nodeagent/log/container.h"
#include "nodeagent/log/find_files.h"
#include "nodeagent/log/kernel_log.h"
#include "nodeagent/log/log_files.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::logs {
namespace {

class Files final : public Source {
 public:
  explicit Files(std::string pattern) : pattern_(std::move(pattern)) { requirePattern(pattern_); }

  Mark mark() const override {
    Mark mark;
    mark.kind = Mark::Kind::kFiles;
    mark.files = markFiles(pattern_);
    return mark;
  }

  Part read(const Mark& from, const Mark& to, const LineFilter& filter,
            const PartLimits& limits) const override {
    FilesRequest request{pattern_, from.files, std::nullopt, limits};
    if (to.kind == Mark::Kind::kFiles) request.to = to.files;
    return readFiles(request, filter);
  }

  std::vector<std::string> watched(const Mark& at) const override {
    std::vector<std::string> paths;
    for (const Place& place : at.files) paths.push_back(place.path);
    Directories directories;
    directories.matching(pattern_);
    for (const std::string& directory : directories.visited()) paths.push_back(directory);
    return paths;
  }

  bool owns(const Mark& mark) const override { return mark.kind == Mark::Kind::kFiles; }

 private:
  const std::string pattern_;
};

class Journal final : public Source {
 public:
  // `selection` is as of readJournal.
  Journal(std::string selection, const LogPaths& paths, RunTool run)
      : selection_(std::move(selection)),
        journald_(paths.journald),
        directories_(paths.journals),
        run_(std::move(run)) {}

  Mark mark() const override {
    requireJournald();
    return markJournal(run_);
  }

  Part read(const Mark& from, const Mark& to, const LineFilter& filter,
            const PartLimits& limits) const override {
    requireJournald();
    return readJournal(run_, selection_, from, to, filter, limits);
  }

  // journald writes into files below a directory for each machine id.
  std::vector<std::string> watched(const Mark&) const override {
    std::vector<std::string> paths = directories_;
    for (const std::string& directory : directories_) {
      Directories below;
      for (const FoundFile& file : below.matching(directory + "/*/*.journal")) {
        paths.push_back(file.path);
        paths.push_back(directoryOf(file.path));
      }
    }
    return paths;
  }

  bool owns(const Mark& mark) const override { return mark.kind == Mark::Kind::kJournal; }

 private:
  // Without it journalctl succeeds and shows nothing, or what an earlier boot has left.
  void requireJournald() const {
    if (::access(journald_.c_str(), F_OK) == 0) return;
    support::fail(wire::Error::Kind::UNSUPPORTED, "journal: there is no ", journald_.c_str(),
                  ", so systemd-journald does not run on the node");
  }

  const std::string selection_;
  const std::string journald_;
  const std::vector<std::string> directories_;
  const RunTool run_;
};

// The output of a container is a file or a part of the journal. Its engine says which, once.
class Container final : public Source {
 public:
  Container(std::string name, const LogPaths& paths, RunTool run)
      : name_(std::move(name)), paths_(paths), run_(std::move(run)) {
    requireContainer(name_);
  }

  Mark mark() const override { return output().mark(); }

  Part read(const Mark& from, const Mark& to, const LineFilter& filter,
            const PartLimits& limits) const override {
    Mark begin = from;
    if (from.kind == Mark::Kind::kUnspecified) begin.kind = kindOfOutput();
    return output().read(begin, to, filter, limits);
  }

  std::vector<std::string> watched(const Mark& at) const override { return output().watched(at); }

  // An unspecified mark is the beginning. Whether a file or a cursor is right, only the engine
  // knows.
  bool owns(const Mark& mark) const override { return mark.kind != Mark::Kind::kKernel; }

 private:
  const Source& output() const {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!output_) {
      ContainerOutput found = outputOfContainer(run_, name_);
      if (found.file.empty()) {
        output_ = std::make_unique<Journal>("CONTAINER_NAME=" + found.journalName, paths_, run_);
      } else {
        output_ = std::make_unique<Files>(found.file);
      }
    }
    return *output_;
  }

  Mark::Kind kindOfOutput() const {
    Mark file;
    file.kind = Mark::Kind::kFiles;
    return output().owns(file) ? Mark::Kind::kFiles : Mark::Kind::kJournal;
  }

  const std::string name_;
  const LogPaths paths_;
  const RunTool run_;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<const Source> output_;
};

std::string unitSelection(const std::string& unit) {
  requireUnit(unit);
  return unit.empty() ? "" : "--unit=" + unit;
}

// Nothing tells of its news but the log itself, so it is looked at again and again.
class Kernel final : public Source {
 public:
  Kernel(std::string path, std::string bootId)
      : path_(std::move(path)), bootId_(std::move(bootId)) {}

  Mark mark() const override { return markKernel(path_, bootId_); }

  Part read(const Mark& from, const Mark& to, const LineFilter& filter,
            const PartLimits& limits) const override {
    return readKernel(path_, bootId_, from, to, filter, limits);
  }

  std::vector<std::string> watched(const Mark&) const override { return {}; }

  bool owns(const Mark& mark) const override { return mark.kind == Mark::Kind::kKernel; }

 private:
  const std::string path_;
  const std::string bootId_;
};

}  // namespace

std::shared_ptr<const Source> makeSource(wire::LogSource::Reader source, const LogPaths& paths,
                                         const RunTool& run, const std::string& bootId) {
  switch (source.which()) {
    case wire::LogSource::FILES: {
      auto bytes = source.getFiles().asChars();
      return std::make_shared<Files>(std::string(bytes.begin(), bytes.size()));
    }
    case wire::LogSource::UNIT:
      return std::make_shared<Journal>(unitSelection(source.getUnit().cStr()), paths, run);
    case wire::LogSource::KERNEL:
      return std::make_shared<Kernel>(paths.kernel, bootId);
    case wire::LogSource::CONTAINER:
      return std::make_shared<Container>(source.getContainer().cStr(), paths, run);
  }
  support::fail(wire::Error::Kind::UNSUPPORTED,
                "source: this agent knows files, units, the kernel's log and containers only; "
                "upgrade it");
}

}  // namespace nodeagent::logs
