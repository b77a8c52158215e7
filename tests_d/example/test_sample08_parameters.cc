// Sample 8: run one test for several values, by gtest's own means.
#include <muster/muster.h>

using namespace muster;

struct Size {
  const char* name;
  uint64_t bytes;
};

class ParameterSample : public ClusterTest, public testing::WithParamInterface<Size> {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }
};

TEST_P(ParameterSample, OutputComesWhole) {
  std::string count = std::to_string(GetParam().bytes);
  Result result = servers()[0].run({"head", "-c", count, "/dev/zero"});
  EXPECT_THAT(result, Succeeded());
  EXPECT_EQ(result.out.size(), GetParam().bytes);
}

INSTANTIATE_TEST_SUITE_P(Sizes, ParameterSample,
                         testing::Values(Size{"Nothing", 0}, Size{"OneByte", 1},
                                         Size{"MoreThanAChunk", 3'000'000}),
                         [](const auto& tested) { return tested.param.name; });
