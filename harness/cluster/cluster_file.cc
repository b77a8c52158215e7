#include "harness/cluster/cluster_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>

#include "harness/cluster/node_expression.h"
#include "harness/cluster/package_names.h"
#include "schema/support/base/config.h"
#include "schema/support/base/suggestion.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

constexpr size_t kFileBytesMax = 1 << 20;
constexpr size_t kClusterNameMax = 32;
constexpr size_t kNodeNameMax = 63;

// Bounds of the kinds' values: an alias of YAML can stand for a value that holds aliases again.
constexpr size_t kSettingDepthMax = 4;
constexpr size_t kSettingsMax = 100'000;

bool isWord(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
}

std::string lowerCase(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// Says why no node can have this name, whatever its kind: it is a host name, and the name in a
// certificate. Empty: nothing.
std::string nameProblem(const std::string& name) {
  auto is = [](auto* of) { return [of](unsigned char c) { return of(c) != 0; }; };
  if (name.size() > kNodeNameMax) {
    return "has " + std::to_string(name.size()) + " characters; a host name has at most " +
           std::to_string(kNodeNameMax);
  }
  if (!is(&::isalnum)(name.front())) return "does not begin with a letter or digit";
  if (std::all_of(name.begin(), name.end(), is(&::isdigit))) {
    return "is a number, which resolves to an address; write a letter before it";
  }
  return lowerCase(name) == "localhost" ? "is this machine's own on every node" : "";
}

// Returns the content of a file, and does not wait for one that is a pipe or a device.
std::string contentOf(const std::string& path) {
  auto refuse = [&path](const std::string& why) { throw ClusterFileError(path + ": " + why); };
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) refuse(std::string("cannot be read: ") + std::strerror(errno));
  struct Closer {
    int file;
    ~Closer() { ::close(file); }
  } closer{file};
  struct stat status {};
  if (::fstat(file, &status) != 0) refuse(std::string("cannot be read: ") + std::strerror(errno));
  if (S_ISDIR(status.st_mode)) refuse("is a directory");
  if (!S_ISREG(status.st_mode)) refuse("is not a regular file");
  // What it says is run on nodes, as root.
  if ((status.st_mode & S_IWOTH) != 0) {
    refuse("everybody may write it, and so say what runs on nodes; chmod o-w " + path);
  }
  std::string content(kFileBytesMax + 1, '\0');
  size_t size = 0;
  while (size < content.size()) {
    ssize_t count = ::read(file, content.data() + size, content.size() - size);
    if (count < 0) refuse(std::string("cannot be read: ") + std::strerror(errno));
    if (count == 0) break;
    size += static_cast<size_t>(count);
  }
  if (size > kFileBytesMax) refuse("is larger than 1 MiB");
  content.resize(size);
  return content;
}

const Key* keyOf(const std::vector<Key>& keys, const std::string& name) {
  auto found =
      std::find_if(keys.begin(), keys.end(), [&name](const Key& key) { return name == key.name; });
  return found == keys.end() ? nullptr : &*found;
}

class FileParser {
 public:
  FileParser(const std::string& path, const Kinds& kinds) : reader_(path), kinds_(kinds) {}

  ClusterPlan parse(const std::string& text) {
    YAML::Node root = reader_.parse(text);
    reader_.checkNoDuplicates(root);
    chooseKind(root);
    checkKeys(root, {"name", "provisioner", "nodes", "logs", "collect", "packages"},
              &KindKeys::clusterKeys);
    plan_.origin = reader_.path();
    parseName(root);
    YAML::Node nodes = root["nodes"];
    if (!nodes) reader_.fail(root, "the key \"nodes\" is missing: a map of node sets");
    parseNodes(nodes);
    for (const Key& key : kind_->clusterKeys) {
      if (YAML::Node value = root[key.name]) plan_.settings[key.name] = settingOf(key.name, value);
    }
    if (YAML::Node logs = root["logs"]) addLogs(settingOf("logs", logs), plan_);
    if (YAML::Node collect = root["collect"]) {
      addCollect(settingOf("collect", collect), {}, plan_.wishes.collect);
    }
    if (YAML::Node packages = root["packages"]) {
      plan_.wishes.packages = packagesOf(settingOf("packages", packages));
    }
    checkSettings(*kind_, plan_);
    return std::move(plan_);
  }

 private:
  void chooseKind(const YAML::Node& root) {
    kind_ = kinds_.known.front();
    if (YAML::Node provisioner = root["provisioner"]) kind_ = &kindOf(provisioner);
    plan_.provisioner = kind_->name;
  }

  const KindKeys& kindOf(const YAML::Node& provisioner) const {
    std::string name = reader_.text(provisioner, "provisioner");
    std::vector<std::string> names;
    for (const KindKeys* kind : kinds_.known) {
      if (kind->name == name) return *kind;
      names.push_back(kind->name);
    }
    try {
      const KindKeys* other = kinds_.find ? kinds_.find(name) : nullptr;
      if (other != nullptr) return *other;
    } catch (const std::runtime_error& error) {
      reader_.fail(provisioner, "provisioner: " + std::string(error.what()));
    }
    if (kinds_.others) {
      for (std::string& other : kinds_.others()) names.push_back(std::move(other));
    }
    return *kinds_.known[reader_.word(provisioner, "provisioner", names)];
  }

  // The keys of a map without duplicates: those of all kinds, and those of this one in `own`. A key
  // of another kind is told apart from one that nobody knows.
  void checkKeys(const YAML::Node& map, std::vector<std::string> known,
                 std::vector<Key> KindKeys::*own) const {
    for (const Key& key : kind_->*own) known.emplace_back(key.name);
    for (const auto& entry : map) {
      const std::string& name = entry.first.Scalar();
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      bool foreign =
          std::any_of(kinds_.known.begin(), kinds_.known.end(),
                      [&](const KindKeys* kind) { return keyOf(kind->*own, name) != nullptr; });
      reader_.fail(entry.first,
                   foreign ? "key \"" + name + "\" means nothing with provisioner \"" +
                                 plan_.provisioner + "\""
                           : "unknown key \"" + name + "\"" + support::suggestion(name, known));
    }
  }

  void parseName(const YAML::Node& root) {
    plan_.name = std::filesystem::path(reader_.path()).stem();
    YAML::Node name = root["name"];
    if (name) plan_.name = reader_.text(name, "name");
    bool plain = isWord(plan_.name) && plan_.name.size() <= kClusterNameMax &&
                 plan_.name[0] != '-' && plan_.name[0] != '.';
    if (plain) return;
    reader_.fail(name ? name : root, "name: \"" + plan_.name +
                                         "\" is not at most 32 letters, digits, '-', '_' and '.'");
  }

  void parseNodes(const YAML::Node& nodes) {
    reader_.expectMap(nodes, "nodes");
    reader_.checkNoDuplicates(nodes);
    if (nodes.size() == 0) reader_.fail(nodes, "nodes: there are none");
    for (const auto& entry : nodes) {
      Setting set = settingOf("node set", entry.first);
      std::vector<std::string> names = expand(set);
      NodePlan common = parseCommon(entry.second, set);
      std::vector<Settings> own = parseOwn(entry.second, set, names.size());
      for (size_t i = 0; i < names.size(); ++i) {
        addName(names[i], set);
        NodePlan node = common;
        node.name = names[i];
        node.settings = std::move(own[i]);
        plan_.nodes.push_back(std::move(node));
      }
      YAML::Node logs = entry.second["logs"];
      if (logs) addLogsOfSet(settingOf("logs", logs), names, plan_);
      YAML::Node collect = entry.second["collect"];
      if (collect) addCollect(settingOf("collect", collect), names, plan_.wishes.collect);
      if (plan_.nodes.size() > kNodeExpressionNamesMax) {
        set.fail("more than " + std::to_string(kNodeExpressionNamesMax) + " nodes");
      }
    }
  }

  // Host names have no case, so that two that differ in it are one.
  void addName(const std::string& name, const Setting& set) {
    std::string problem = nameProblem(name);
    if (!problem.empty()) set.fail("node name \"" + name + "\" " + problem);
    auto [other, isNew] = names_.emplace(lowerCase(name), name);
    if (isNew) return;
    set.fail("node \"" + name + "\" is here a second time" +
             (other->second == name ? "" : ", as \"" + other->second + "\""));
  }

  static std::vector<std::string> expand(const Setting& set) {
    try {
      return expandNodeExpression(set.text());
    } catch (const NodeExpressionError& error) {
      set.failAt(error.position(), "node set \"" + set.text() + "\": " + error.what());
    }
  }

  NodePlan parseCommon(const YAML::Node& map, const Setting& set) const {
    NodePlan node;
    node.set = set;
    std::string what = "node set \"" + set.text() + "\"";
    reader_.expectMap(map, what);
    reader_.checkNoDuplicates(map);
    checkKeys(map, {"role", "labels", "logs", "collect"}, &KindKeys::nodeKeys);
    if (!map["role"]) reader_.fail(map, what + ": the key \"role\" is missing");
    node.role = reader_.text(map["role"], "role");
    if (!isWord(node.role)) {
      reader_.fail(map["role"],
                   "role: \"" + node.role + "\" is not a word of letters, digits, '-', '_', '.'");
    }
    if (YAML::Node labels = map["labels"]) {
      reader_.expectMap(labels, "labels");
      reader_.checkNoDuplicates(labels);
      for (const auto& label : labels) {
        if (!isWord(label.first.Scalar()))
          reader_.fail(label.first, "labels: the name is not a word");
        std::string value = reader_.text(label.second, "labels");
        if (!support::isUtf8(value)) {
          reader_.fail(label.second, "labels: \"" + support::escaped(value) + "\" is not UTF-8");
        }
        node.labels[label.first.Scalar()] = value;
      }
    }
    return node;
  }

  // The kind's settings of each node of a set.
  std::vector<Settings> parseOwn(const YAML::Node& map, const Setting& set, size_t count) {
    std::vector<Settings> all(count);
    for (const Key& key : kind_->nodeKeys) {
      YAML::Node value = map[key.name];
      if (!value) continue;
      Setting setting = settingOf(key.name, value);
      std::vector<Setting> each(key.spread ? 0 : count, setting);
      if (key.spread) each = key.spread(setting, set.text(), count);
      for (size_t i = 0; i < count; ++i) all[i][key.name] = std::move(each.at(i));
    }
    return all;
  }

  Setting settingOf(const std::string& name, const YAML::Node& node, size_t depth = 1) {
    Setting::Place place = placeOf(node);
    if (++settings_ > kSettingsMax) {
      reader_.fail(node, "more than " + std::to_string(kSettingsMax) + " values");
    }
    if (node.IsScalar()) return Setting(name, node.Scalar(), place);
    if (!node.IsSequence() && !node.IsMap()) return Setting::nothing(name, place);
    if (depth > kSettingDepthMax) reader_.fail(node, name + ": lists and maps are too deep here");
    std::vector<Setting> keys;
    std::vector<Setting> items;
    if (node.IsSequence()) {
      for (const YAML::Node& item : node) items.push_back(settingOf(name, item, depth + 1));
      return Setting::list(name, std::move(items), place);
    }
    reader_.checkNoDuplicates(node);
    for (const auto& entry : node) {
      keys.push_back(settingOf(name, entry.first, depth + 1));
      items.push_back(settingOf(entry.first.Scalar(), entry.second, depth + 1));
    }
    return Setting::map(name, std::move(keys), std::move(items), place);
  }

  // A quoted text begins one column before its first character; the tag of the node tells.
  Setting::Place placeOf(const YAML::Node& node) const {
    YAML::Mark mark = node.Mark();
    if (mark.is_null()) return {reader_.path(), 1, 1, 0};
    return {reader_.path(), static_cast<size_t>(mark.line) + 1,
            static_cast<size_t>(mark.column) + 1, node.Tag() == "!" ? size_t{1} : size_t{0}};
  }

  support::ConfigReader reader_;
  const Kinds& kinds_;
  const KindKeys* kind_ = nullptr;
  ClusterPlan plan_;
  // By the name in lower case.
  std::map<std::string, std::string> names_;
  size_t settings_ = 0;
};

}  // namespace

ClusterPlan parseClusterFile(const std::string& text, const std::string& path, const Kinds& kinds) {
  try {
    return FileParser(path, kinds).parse(text);
  } catch (const support::ConfigError& error) {
    throw ClusterFileError(error.what());
  }
}

ClusterPlan readClusterFile(const std::string& path, const Kinds& kinds) {
  return parseClusterFile(contentOf(path), path, kinds);
}

}  // namespace harness
