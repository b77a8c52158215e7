// Appends what happens to a file of records (docs/reference/records.md), line by line, as it
// happens. It does not judge, and it reads nothing back.
//
//   RecordWriter writer(directory + "/records/kvd_tests-4711.jsonl", {{"role", "program"}});
//   std::string test = writer.begin("test", "", {{"suite", "KvTest"}, {"name", "Heals"}});
//   writer.add(test, "failure", {{"text", "…"}});
//   writer.end(test, {{"outcome", "failed"}});
//   writer.close();
//
// Things to get right:
//   * Nothing throws but the constructor. A full disk stops no test: `problem` tells of it, and the
//     file shows it.
//   * A child that a test forks writes nothing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "harness/os/fd.h"

namespace harness::run {

using Json = nlohmann::json;

// Returns the path of a source file from the root of its tree, as __FILE__ of a build below that
// root has it: without "../" at its beginning.
std::string sourcePath(std::string_view file);

// Returns a text as a record has it: what looks like a secret is taken out, and what is no UTF-8
// appears as \xNN. A text that is a record's already stays as it is.
std::string recordedText(const std::string& text);

// Used from any thread.
class RecordWriter {
 public:
  // Makes the file, whose directory must exist, and its first line, to which `header` adds its
  // fields. Throws SystemError, also if the file exists.
  RecordWriter(const std::string& path, const Json& header);

  // A writer that was not closed leaves a record that says so.
  ~RecordWriter() = default;
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  // These two return the id of a new item of a kind, which is to come or begins now. `in` is the id
  // of the item that it belongs to; empty: it belongs to none.
  std::string announce(const std::string& kind, const std::string& in, const Json& fields = {});
  std::string begin(const std::string& kind, const std::string& in, const Json& fields = {});

  // An item that was announced begins.
  void beginAnnounced(const std::string& id, const Json& fields = {});

  void add(const std::string& id, const std::string& what, const Json& fields = {});
  void end(const std::string& id, const Json& fields = {});
  void abort(const std::string& id, const std::string& because);

  // Aborts what is still open, the newest first, and writes the last line. What comes later is not
  // written.
  void close(const std::string& because);

  // Says what kept a line from being written, the first time that this happened. Empty: nothing.
  std::string problem() const;

 private:
  std::string opened(const char* verb, const std::string& kind, const std::string& in,
                     const Json& fields);
  void append(const char* verb, const Json& value, const Json& fields);
  void write(Json line);
  void abortOpen(const std::string& because);

  mutable std::mutex mutex_;
  Fd file_;
  std::string path_;
  pid_t process_;
  int64_t clock_ = 0;
  uint64_t next_ = 0;
  uint64_t lost_ = 0;
  uint64_t ids_ = 0;
  // The numbers of the items that have not ended.
  std::set<uint64_t> open_;
  std::string problem_;
  bool isTorn_ = false;
  bool isClosed_ = false;
};

}  // namespace harness::run
