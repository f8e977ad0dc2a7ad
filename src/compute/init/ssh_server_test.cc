#include "compute/init/ssh_server.h"

#include <gtest/gtest.h>

namespace brume::init {
namespace {

TEST(SshServer, WhoListensIsReadFromTheKernelsTable) {
  const char* table =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
      "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n"
      "   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0\n"
      "   2: 00000000000000000000000000000000:0035 00000000000000000000000000000000:0000 0A 0:0 0:0\n";
  EXPECT_TRUE(listens(table, 22));
  EXPECT_TRUE(listens(table, 53));
  EXPECT_FALSE(listens(table, 8080));  // a connection, nobody who listens
  EXPECT_FALSE(listens(table, 23));
  EXPECT_FALSE(listens("", 22));
  EXPECT_FALSE(listens("nonsense\n0A 0016 0A 0A\n", 22));
}

TEST(SshServer, APauseDoublesUpToAMinuteAndBeginsAnewAfterAGoodRun) {
  const struct {
    double pause, ran, next;
  } cases[] = {{0, 0, 1}, {1, 0, 2}, {2, 59, 4}, {32, 0, 60}, {60, 0, 60}, {60, 60, 1}, {1, 3600, 1}};
  for (const auto& c : cases) EXPECT_EQ(next_pause(c.pause, c.ran), c.next) << c.pause << " after " << c.ran;
}

}  // namespace
}  // namespace brume::init
