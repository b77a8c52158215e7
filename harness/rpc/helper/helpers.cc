#include "harness/rpc/helper/helpers.h"

#include "harness/rpc/bytes.h"
#include "harness/rpc/file/files.h"
#include "harness/rpc/node_calls.h"
#include "schema/helper.capnp.h"
#include "schema/support/base/sha256.h"

namespace harness::rpc {
namespace {

struct Located {
  std::string path;
  bool isPresent = false;
};

}  // namespace

std::string Helpers::place(const std::string& content, SteadyTime until) const {
  support::Digest digest = support::Sha256::of(dataOf(content));
  auto located = ask<Located>(
      node_, "find a helper on the node", until, [&](EstablishedConnection& connection) {
        auto request = connection.get<wire::Helpers>().locateRequest();
        request.setSha256(kj::arrayPtr(digest.data(), digest.size()));
        request.setSize(content.size());
        return request.send().then([](auto&& response) {
          requireNoError(response);
          return Located{stringOf(response.getPath()), response.getPresent()};
        });
      });
  if (!located.isPresent) {
    muster::WriteOptions options;
    options.mode = 0755;
    Files(node_).write(located.path, content, options, until);
  }
  return located.path;
}

}  // namespace harness::rpc
