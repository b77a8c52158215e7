#include "harness/rpc/tls_clients.h"

#include <sys/stat.h>

namespace harness {
namespace {

// The most clients that stay ready, for clusters with certificates of their own for each node.
constexpr size_t kKnownMax = 64;

int64_t nanosecondsOf(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

TlsClients::Stamps TlsClients::stampsOf(const TlsFiles& files) {
  Stamps stamps;
  for (const std::string& path : {files.authority, files.certificate, files.key}) {
    struct stat status {};
    // A file that is not there is complained about where it is read.
    if (stat(path.c_str(), &status) != 0) status = {};
    stamps.push_back({status.st_dev, status.st_ino, status.st_size, nanosecondsOf(status.st_mtim),
                      nanosecondsOf(status.st_ctim)});
  }
  return stamps;
}

support::TlsClient TlsClients::get(const TlsFiles& files) {
  std::string key = files.authority + '\0' + files.certificate + '\0' + files.key;
  // The stamps are taken before reading, so that a file that changes in between is read again.
  Stamps stamps = stampsOf(files);
  auto found = known_.find(key);
  if (found != known_.end() && found->second.stamps == stamps) return found->second.client;
  known_.erase(key);
  support::TlsClient client(
      support::loadCredentials({files.authority, files.certificate, files.key}));
  if (known_.size() >= kKnownMax) known_.clear();
  known_.emplace(key, Known{std::move(stamps), client});
  return client;
}

}  // namespace harness
