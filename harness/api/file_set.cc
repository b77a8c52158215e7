#include <ostream>

#include <muster/deadline.h>
#include <muster/file_set.h>

#include "harness/api/access.h"
#include "harness/api/call_site.h"
#include "harness/api/fan_out.h"
#include "harness/rpc/file/tar_archive.h"
#include "harness/values/failure_text.h"

namespace muster {
namespace {

using harness::ApiAccess;
using harness::askEach;

// Is the value of a call that has none.
constexpr std::monostate kDone;

bool isDirectoryOn(const Node& node, const std::string& path, FileSet::Where where) {
  auto stat = node.file(path).stat(SymlinkPolicy::kFollow, where);
  return stat && stat->type == FileType::kDirectory;
}

}  // namespace

NodeAnswers<std::string> FileSet::read(Where where) const {
  return askEach<std::string>(nodes_, fanOut_, where,
                              [&](Node& node) { return node.file(path_).read(where); });
}

NodeAnswers<std::string> FileSet::digest(Where where) const {
  return askEach<std::string>(nodes_, fanOut_, where,
                              [&](Node& node) { return node.file(path_).digest(where); });
}

NodeAnswers<bool> FileSet::exists(Where where) const {
  return askEach<bool>(nodes_, fanOut_, where,
                       [&](Node& node) { return node.file(path_).exists(where); });
}

NodeAnswers<std::monostate> FileSet::write(const std::string& content, const WriteOptions& options,
                                           Where where) const {
  return askEach<std::monostate>(nodes_, fanOut_, where, [&](Node& node) {
    node.file(path_).write(content, options, where);
    return kDone;
  });
}

NodeAnswers<std::monostate> FileSet::append(const std::string& content, Where where) const {
  return askEach<std::monostate>(nodes_, fanOut_, where, [&](Node& node) {
    node.file(path_).append(content, where);
    return kDone;
  });
}

NodeAnswers<std::string> FileSet::treeDigest(const TreeDigestOptions& options, Where where) const {
  return askEach<std::string>(nodes_, fanOut_, where, [&](Node& node) {
    return node.file(path_).treeDigest(options, where);
  });
}

NodeAnswers<std::optional<std::string>> FileSet::attribute(const std::string& name,
                                                           Where where) const {
  return askEach<std::optional<std::string>>(
      nodes_, fanOut_, where, [&](Node& node) { return node.file(path_).attribute(name, where); });
}

NodeAnswers<bool> FileSet::edit(const std::function<std::string(const std::string&)>& change,
                                const WriteOptions& options, Where where) const {
  return askEach<bool>(nodes_, fanOut_, where,
                       [&](Node& node) { return node.file(path_).edit(change, options, where); });
}

NodeAnswers<std::monostate> FileSet::setMode(uint32_t mode, Where where) const {
  return askEach<std::monostate>(nodes_, fanOut_, where, [&](Node& node) {
    node.file(path_).setMode(mode, where);
    return kDone;
  });
}

NodeAnswers<std::monostate> FileSet::setOwner(const std::string& user, const std::string& group,
                                              Where where) const {
  return askEach<std::monostate>(nodes_, fanOut_, where, [&](Node& node) {
    node.file(path_).setOwner(user, group, SymlinkPolicy::kKeep, where);
    return kDone;
  });
}

NodeAnswers<std::string> FileSet::acl(AclKind kind, Where where) const {
  return askEach<std::string>(nodes_, fanOut_, where,
                              [&](Node& node) { return node.file(path_).acl(kind, where); });
}

NodeAnswers<std::monostate> FileSet::setAcl(const std::string& text, AclKind kind,
                                            Where where) const {
  return askEach<std::monostate>(nodes_, fanOut_, where, [&](Node& node) {
    node.file(path_).setAcl(text, kind, where);
    return kDone;
  });
}

NodeAnswers<bool> FileSet::makeDirectory(uint32_t mode, UndoAt undo, Where where) const {
  return askEach<bool>(nodes_, fanOut_, where, [&](Node& node) {
    return node.file(path_).makeDirectory(mode, undo, where);
  });
}

NodeAnswers<bool> FileSet::remove(Where where) const {
  return askEach<bool>(nodes_, fanOut_, where,
                       [&](Node& node) { return node.file(path_).remove(where); });
}

NodeAnswers<bool> FileSet::removeTree(Where where) const {
  return askEach<bool>(nodes_, fanOut_, where,
                       [&](Node& node) { return node.file(path_).removeTree(where); });
}

NodeAnswers<TransferResult> FileSet::archiveTo(const std::filesystem::path& local,
                                               Where where) const {
  return harness::at(where, [&] {
    harness::TarArchive archive(local.string());
    auto answers = askEach<TransferResult>(nodes_, fanOut_, where, [&](Node& node) {
      harness::CopyOptions options;
      bool isDirectory = isDirectoryOn(node, path_, where);
      options.what =
          isDirectory ? harness::CopyOptions::What::kTree : harness::CopyOptions::What::kFile;
      return archive.add(ApiAccess::behind(node), path_, options, DeadlineScope::current());
    });
    size_t given = 0;
    for (const auto& one : answers) {
      if (one.value) ++given;
      if (one.error) archive.addFailure(one.node, one.error->what());
    }
    if (given > 0) archive.publish();
    return answers;
  });
}

void PrintTo(const FileSet& files, std::ostream* out) {
  std::vector<std::string> names;
  for (const Node* node : files.nodes_) names.push_back(node->name());
  *out << "file " << harness::inQuotes(files.path_) << " on "
       << (names.empty() ? "no node" : harness::joined(names, ", "));
}

}  // namespace muster
