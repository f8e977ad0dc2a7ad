#include "lb/client_filter.h"

#include <gtest/gtest.h>

namespace brume::lb {
namespace {

TEST(ClientFilter, RangesByTable) {
  const std::pair<std::vector<std::string>, std::size_t> cases[] = {
      {{}, 7}, {{"10.0.0.0/8"}, 11}, {{"10.0.0.0/8", "192.0.2.1/32"}, 15}, {{"0.0.0.0/1"}, 11}};
  for (const auto& [clients, size] : cases) {
    const auto program = client_filter(clients);
    ASSERT_TRUE(program);
    EXPECT_EQ(program->size(), size);
    EXPECT_EQ(program->back().k, 0U) << "what matches nothing is dropped";
  }
  EXPECT_TRUE(lets_all_in({"10.0.0.0/8", "0.0.0.0/0"}));
  EXPECT_FALSE(lets_all_in({"0.0.0.0/1"}));
  for (const char* wrong : {"", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/8 ", "10.0.0.0/-1", "::/0"})
    EXPECT_FALSE(client_filter({wrong})) << wrong;
  EXPECT_FALSE(client_filter(std::vector<std::string>(1001, "10.0.0.0/8")));
}

}  // namespace
}  // namespace brume::lb
