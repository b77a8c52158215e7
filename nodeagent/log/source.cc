#include "nodeagent/log/source.h"

#include <unistd.h>

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
  Journal(std::string unit, const LogPaths& paths, RunTool run)
      : unit_(std::move(unit)),
        journald_(paths.journald),
        directories_(paths.journals),
        run_(std::move(run)) {
    requireUnit(unit_);
  }

  Mark mark() const override {
    requireJournald();
    return markJournal(run_);
  }

  Part read(const Mark& from, const Mark& to, const LineFilter& filter,
            const PartLimits& limits) const override {
    requireJournald();
    return readJournal(run_, unit_, from, to, filter, limits);
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

  const std::string unit_;
  const std::string journald_;
  const std::vector<std::string> directories_;
  const RunTool run_;
};

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
      return std::make_shared<Journal>(source.getUnit().cStr(), paths, run);
    case wire::LogSource::KERNEL:
      return std::make_shared<Kernel>(paths.kernel, bootId);
  }
  support::fail(wire::Error::Kind::UNSUPPORTED,
                "source: this agent knows files, units and the kernel's log only; upgrade it");
}

}  // namespace nodeagent::logs
