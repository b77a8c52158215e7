#include "harness/pki/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/os/wait.h"
#include "harness/pki/error.h"
#include "schema/support/base/trusted_file.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using Kind = AuthorityError::Kind;
using support::Overwrite;

// Others hold the lock only while they write a few files.
constexpr std::chrono::seconds kLockWait{5};

constexpr char kDeniedHead[] =
    "# Certificates that agents refuse. Name a copy of this file in the agents' configuration as "
    "tls.denied.\n";

support::Validity days(int64_t count) {
  support::Validity validity;
  validity.lastsSeconds = count * 24 * 3600;
  return validity;
}

std::string readText(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) throw AuthorityError(Kind::kNotFound, path + ": " + ::strerror(errno));
  return text.str();
}

void write(const std::string& path, const std::string& text, mode_t mode, Overwrite overwrite) {
  try {
    support::writeTrustedFile(path, text, mode, overwrite);
  } catch (const support::FileError& error) {
    throw AuthorityError(Kind::kIo, error.what());
  }
}

void makeDirectory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    throw AuthorityError(Kind::kIo, path + ": " + ::strerror(errno));
  }
}

void requireSafe(const std::string& path) {
  std::string reason = support::whyUnsafe(path);
  if (!reason.empty()) throw AuthorityError(Kind::kUnsafe, reason);
}

void requireName(const std::string& what, const std::string& name) {
  if (support::isCertificateName(name)) return;
  throw AuthorityError(Kind::kUsage,
                       what + " \"" + name +
                           "\": wanted 1 to 64 letters, digits, '-', '_' and '.', the "
                           "first a letter or digit");
}

void requireNames(const std::string& name, const std::vector<std::string>& names) {
  requireName("node", name);
  for (const std::string& more : names) requireName("--san", more);
}

std::vector<std::string> allNames(const std::string& name, std::vector<std::string> names) {
  names.insert(names.begin(), name);
  return names;
}

std::string stemOfClient(const std::string& identity) {
  std::string stem = identity;
  std::replace(stem.begin(), stem.end(), ':', '-');
  return "clients/" + stem;
}

}  // namespace

PkiDirectory::Lock::Lock(const std::string& path)
    : file_(::open((path + "/.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
  if (!file_) throw AuthorityError(Kind::kIo, path + "/.lock: " + ::strerror(errno));
  bool taken = waitUntil(after(kLockWait), [&] {
    if (::flock(file_.get(), LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK) {
      throw AuthorityError(Kind::kIo, path + "/.lock: " + ::strerror(errno));
    }
    return false;
  });
  if (!taken) throw AuthorityError(Kind::kConflict, path + "/.lock is held by another muster pki");
}

// Writes the certificate of the authority last: a directory that has it is complete.
PkiDirectory PkiDirectory::create(const std::string& path, const std::string& cluster) {
  requireName("cluster", cluster);
  makeDirectory(path);
  requireSafe(path);
  Lock lock(path);
  if (fs::exists(path + "/authority.pem") || fs::exists(path + "/authority.key")) {
    throw AuthorityError(Kind::kConflict,
                         path + ": has an authority already; it is never replaced");
  }
  support::Authority authority = support::Authority::make("muster cluster " + cluster);
  for (const char* part : {"/nodes", "/clients", "/replaced"}) makeDirectory(path + part);
  write(path + "/denied.list", kDeniedHead, 0644, Overwrite::kNever);
  write(path + "/authority.key", authority.pair().key, 0600, Overwrite::kNever);
  write(path + "/authority.pem", authority.certificate(), 0644, Overwrite::kNever);
  return PkiDirectory(path);
}

PkiDirectory::PkiDirectory(const std::string& path) : path_(path) {
  if (!fs::exists(path + "/authority.pem")) {
    throw AuthorityError(Kind::kNotFound,
                         path + ": no authority.pem in it; make one with muster pki init " + path);
  }
  requireSafe(path);
}

std::string PkiDirectory::authority() const {
  return readText(file("authority.pem"));
}

support::Authority PkiDirectory::loadAuthority() const {
  struct stat status {};
  std::string key = file("authority.key");
  if (::stat(key.c_str(), &status) != 0) {
    throw AuthorityError(Kind::kNotFound, key + ": " + ::strerror(errno));
  }
  if ((status.st_mode & 077) != 0) {
    throw AuthorityError(Kind::kDamaged, key + ": others can read it; chmod 0600 " + key);
  }
  try {
    return support::Authority::load({authority(), readText(key)});
  } catch (const AuthorityError&) {
    throw;
  } catch (const std::exception&) {
    throw AuthorityError(Kind::kDamaged, key + ": not the key of " + file("authority.pem"));
  }
}

Issued PkiDirectory::keep(const std::string& stem, const support::KeyPair& pair,
                          const std::string& kind) {
  std::string certificate = file(stem + ".pem");
  if (fs::exists(certificate)) {
    throw AuthorityError(Kind::kConflict, certificate + ": exists already; for another there is " +
                                              "muster pki renew");
  }
  // The key is written first, because a certificate without one would look finished.
  if (!pair.key.empty()) write(file(stem + ".key"), pair.key, 0600, Overwrite::kNever);
  write(certificate, pair.certificate, 0644, Overwrite::kNever);
  return described(certificate, kind);
}

Issued PkiDirectory::issueNode(const std::string& name, const std::vector<std::string>& names,
                               int64_t lastsDays) {
  requireNames(name, names);
  Lock lock(path_);
  auto pair = loadAuthority().issue(name, allNames(name, names), support::Purpose::kServer,
                                    days(lastsDays));
  return keep("nodes/" + name, pair, "node");
}

Issued PkiDirectory::issueClient(const std::string& role, const std::string& name,
                                 int64_t lastsDays) {
  requireName("client", name);
  std::string identity = role + ":" + name;
  // X.509 allows no more.
  if (identity.size() > 64) {
    throw AuthorityError(Kind::kUsage,
                         "client \"" + name + "\": \"" + identity + "\" is longer than 64");
  }
  Lock lock(path_);
  return keep(stemOfClient(identity), loadAuthority().issueClient(identity, days(lastsDays)),
              "client");
}

void PkiDirectory::requireNewNode(const std::string& name,
                                  const std::vector<std::string>& names) const {
  requireNames(name, names);
  if (fs::exists(file("nodes/" + name + ".pem"))) {
    throw AuthorityError(Kind::kConflict, file("nodes/" + name + ".pem") +
                                              ": exists already; move it to replaced/ first");
  }
}

std::string PkiDirectory::certify(const std::string& request, const std::string& name,
                                  const std::vector<std::string>& names, int64_t lastsDays) const {
  return loadAuthority().certify(request, name, allNames(name, names), support::Purpose::kServer,
                                 days(lastsDays));
}

Issued PkiDirectory::certifyNode(const std::string& name, const std::string& requestFile,
                                 int64_t lastsDays) {
  requireName("node", name);
  std::string request = readText(requestFile);
  Lock lock(path_);
  requireNewNode(name, {});
  try {
    return keep("nodes/" + name, {certify(request, name, {}, lastsDays), ""}, "node");
  } catch (const support::PkiError& error) {
    throw AuthorityError(Kind::kDamaged, requestFile + ": " + error.what());
  }
}

// Keeps a copy of the old certificate under replaced/ before either file is written, so that it can
// still be denied by its path. The new one lasts as long as the old one did, without the time
// before the making by which certificates begin.
Issued PkiDirectory::renew(const std::string& name, int64_t lastsDays) {
  Issued old = find(name);
  if (old.kind == "authority") {
    throw AuthorityError(
        Kind::kUsage,
        "the authority is not renewed; make another with muster pki init, and name "
        "both in the agents' authority file while nodes change over");
  }
  if (old.key.empty()) {
    throw AuthorityError(Kind::kUsage,
                         old.certificate + ": its key is on the node; sign another request");
  }
  Lock lock(path_);
  int64_t seconds = lastsDays != 0 ? lastsDays * 24 * 3600
                                   : old.facts.notAfterSeconds - old.facts.notBeforeSeconds -
                                         support::Validity().beginsBeforeSeconds;
  support::Validity validity;
  validity.lastsSeconds = std::max<int64_t>(seconds, 3600);
  auto purpose = old.kind == "node" ? support::Purpose::kServer : support::Purpose::kClient;
  auto pair = loadAuthority().issue(old.facts.commonName, old.facts.dnsNames, purpose, validity);
  write(file("replaced/" + old.facts.mark.serial + ".pem"), readText(old.certificate), 0644,
        Overwrite::kYes);
  write(old.key, pair.key, 0600, Overwrite::kYes);
  write(old.certificate, pair.certificate, 0644, Overwrite::kYes);
  return described(old.certificate, old.kind);
}

// Accepts a serial number or a file, whose certificate then says it. The comment behind the number
// is for people.
bool PkiDirectory::deny(const std::string& serialOrFile) {
  std::string serial = support::plainHex(serialOrFile);
  std::string comment;
  if (serial.empty() || fs::exists(serialOrFile)) {
    auto facts = support::describeCertificate(readText(serialOrFile));
    if (!facts)
      throw AuthorityError(Kind::kDamaged, serialOrFile + ": not a certificate in PEM form");
    serial = facts->mark.serial;
    if (support::isCertificateName(facts->dnsNames.empty() ? "" : facts->dnsNames[0])) {
      comment = "  # node " + facts->dnsNames[0];
    } else if (facts->forClients) {
      comment = "  # " + facts->commonName;
    }
  }
  std::string line = "serial " + serial + comment + "\n";
  std::string why;
  if (!support::DenyList::fromText(line, &why)) {
    throw AuthorityError(
        Kind::kUsage, "\"" + serialOrFile + "\": neither a certificate's file nor a serial number");
  }
  Lock lock(path_);
  if (denied().covers({serial, ""})) return false;
  write(file("denied.list"), readText(file("denied.list")) + line, 0644, Overwrite::kYes);
  return true;
}

support::DenyList PkiDirectory::denied() const {
  std::string why;
  auto list = support::DenyList::fromText(readText(file("denied.list")), &why);
  if (!list) throw AuthorityError(Kind::kDamaged, file("denied.list") + ": " + why);
  return *list;
}

// Tells the state of a certificate. Later conditions override earlier ones: "denied" wins over
// "expired" and "replaced".
Issued PkiDirectory::described(const std::string& certificate, const std::string& kind) const {
  auto facts = support::describeCertificate(readText(certificate));
  if (!facts) throw AuthorityError(Kind::kDamaged, certificate + ": not a certificate in PEM form");
  Issued issued{kind, facts->commonName, certificate, "", *facts, "valid"};
  if (kind == "replaced") {
    issued.kind = facts->forServers ? "node" : "client";
    issued.state = "replaced";
  }
  std::string key = fs::path(certificate).replace_extension(".key");
  if (fs::exists(key)) issued.key = key;
  int64_t now = ::time(nullptr);
  if (now < facts->notBeforeSeconds) issued.state = "not yet valid";
  if (now > facts->notAfterSeconds) issued.state = "expired";
  if (denied().covers(facts->mark)) issued.state = "denied";
  return issued;
}

void PkiDirectory::readAll(const std::string& directory, const std::string& kind,
                           std::vector<Issued>& all) const {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(file(directory), error)) {
    if (entry.path().extension() == ".pem") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) all.push_back(described(path, kind));
}

std::vector<Issued> PkiDirectory::list() const {
  std::vector<Issued> all = {described(file("authority.pem"), "authority")};
  readAll("nodes", "node", all);
  readAll("clients", "client", all);
  readAll("replaced", "replaced", all);
  return all;
}

Issued PkiDirectory::find(const std::string& name) const {
  std::error_code error;
  for (const Issued& issued : list()) {
    if (issued.state == "replaced") continue;
    if (issued.name == name || fs::equivalent(issued.certificate, name, error)) return issued;
  }
  throw AuthorityError(Kind::kNotFound,
                       path_ + ": has no certificate \"" + name + "\"; muster pki show lists them");
}

}  // namespace harness
