#include "lb/latency.h"

#include <gtest/gtest.h>

namespace brume::lb {
namespace {

TEST(Latency, ABucketIsCloseToWhatIsInIt) {
  for (std::int64_t us = 0; us < 1'000'000'000; us += 1 + us / 7) {
    const double seconds = double(us) / 1e6;
    EXPECT_NEAR(latency_of(latency_bucket(us)), seconds, seconds / 32 + 1e-9) << us;
  }
}

TEST(Latency, BucketsAreInOrderAndBounded) {
  EXPECT_EQ(latency_bucket(-5), 0u);
  for (std::int64_t us = 1; us < 1 << 20; ++us) {
    ASSERT_GE(latency_bucket(us), latency_bucket(us - 1));
    ASSERT_LE(latency_bucket(us), latency_bucket(us - 1) + 1);
  }
  EXPECT_EQ(latency_bucket(std::int64_t{1} << 62), kLatencyBuckets - 1);
}

}  // namespace
}  // namespace brume::lb
