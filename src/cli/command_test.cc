#include "cli/command.h"

#include <gtest/gtest.h>

namespace brume::cli {
namespace {

TEST(Endpoint, IsOnThisMachineOrItIsNot) {
  for (const char* here :
       {"http://127.0.0.1:4566", "http://127.0.0.2", "http://localhost:4566", "http://169.254.169.254:4566"})
    EXPECT_TRUE(is_on_this_machine(here)) << here;
  for (const char* elsewhere :
       {"", "https://127.0.0.1:4566", "http://10.0.0.1:4566", "http://127.example.com",
        "http://127.0.0.1.example.com:80", "http://localhost.example.com:80", "http://localhost:80@example.com",
        "http://169.254.169.254.example.com:80", "https://ec2.eu-central-1.amazonaws.com"})
    EXPECT_FALSE(is_on_this_machine(elsewhere)) << elsewhere;
}

}  // namespace
}  // namespace brume::cli
