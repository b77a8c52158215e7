#include "nodeagent/log/log_wire.h"

#include "nodeagent/log/find_files.h"
#include "schema/support/base/text.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::logs {
namespace {

using Kind = wire::Error::Kind;

kj::ArrayPtr<const kj::byte> bytesOf(const std::string& text) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size());
}

std::string stringOf(capnp::Data::Reader data) {
  return std::string(data.asChars().begin(), data.size());
}

Place readPlace(wire::LogPlace::Reader place) {
  Place result;
  result.path = stringOf(place.getPath());
  if (result.path.empty() || result.path[0] != '/' || result.path.size() > 4095 ||
      result.path.find('\0') != std::string::npos) {
    support::fail(Kind::INVALID, "mark: \"", support::escaped(result.path.substr(0, 300)).c_str(),
                  "\" is no absolute path");
  }
  result.id = {place.getDevice(), place.getInode(), place.getBornNs()};
  result.offset = place.getOffset();
  result.tailBytes = place.getTailBytes();
  result.tailCrc32c = place.getTailCrc32c();
  result.line = place.getLine();
  if (result.tailBytes > result.offset || result.offset > INT64_MAX) {
    support::fail(Kind::INVALID, "mark: its offsets contradict each other");
  }
  return result;
}

void writePlace(wire::LogPlace::Builder to, const Place& place) {
  to.setPath(bytesOf(place.path));
  to.setDevice(place.id.device);
  to.setInode(place.id.inode);
  to.setBornNs(place.id.bornNs);
  to.setOffset(place.offset);
  to.setTailBytes(place.tailBytes);
  to.setTailCrc32c(place.tailCrc32c);
  to.setLine(place.line);
}

}  // namespace

Mark readMark(wire::LogMark::Reader mark) {
  Mark result;
  switch (mark.which()) {
    case wire::LogMark::UNSPECIFIED:
      return result;
    case wire::LogMark::FILES:
      result.kind = Mark::Kind::kFiles;
      if (mark.getFiles().size() > 2 * kFilesMax) {
        support::fail(Kind::INVALID, "mark: has over ", 2 * kFilesMax, " files");
      }
      for (auto place : mark.getFiles()) result.files.push_back(readPlace(place));
      return result;
    case wire::LogMark::JOURNAL:
      result.kind = Mark::Kind::kJournal;
      result.cursor = mark.getJournal().cStr();
      return result;
    case wire::LogMark::KERNEL:
      result.kind = Mark::Kind::kKernel;
      result.kernel = mark.getKernel();
      result.bootId = mark.getBootId().cStr();
      return result;
  }
  support::fail(Kind::UNSUPPORTED, "mark: was made by a newer agent");
}

void writeMark(wire::LogMark::Builder to, const Mark& mark) {
  to.setBootId(mark.bootId);
  switch (mark.kind) {
    case Mark::Kind::kUnspecified:
      return to.setUnspecified();
    case Mark::Kind::kFiles: {
      auto places = to.initFiles(static_cast<unsigned>(mark.files.size()));
      for (unsigned i = 0; i < places.size(); ++i) writePlace(places[i], mark.files[i]);
      return;
    }
    case Mark::Kind::kJournal:
      return to.setJournal(mark.cursor);
    case Mark::Kind::kKernel:
      return to.setKernel(mark.kernel);
  }
}

std::vector<std::string> readPatterns(capnp::List<capnp::Text>::Reader patterns) {
  std::vector<std::string> all;
  for (auto pattern : patterns) all.emplace_back(pattern.begin(), pattern.size());
  return all;
}

void writeLine(wire::LogLine::Builder to, const Line& line) {
  to.setFile(bytesOf(line.file));
  to.setText(bytesOf(line.text));
  to.setNumber(line.number);
  to.setOffset(line.offset);
  to.setDevice(line.id.device);
  to.setInode(line.id.inode);
  to.setIsCut(line.isCut);
  to.setIsUnfinished(line.isUnfinished);
}

void writeNote(wire::LogNote::Builder to, const Note& note) {
  to.setFile(bytesOf(note.file));
  to.setKind(note.kind);
  to.setText(note.text);
}

}  // namespace nodeagent::logs
