#include "cli/failed_attempts.h"

#include <gtest/gtest.h>

namespace brume::cli {
namespace {

using Ids = std::vector<std::string>;

// "a": of the version before; "N": of the new one; "~N": it is being terminated.
std::vector<autoscaling::Instance> group(std::initializer_list<std::string_view> members) {
  std::vector<autoscaling::Instance> out;
  for (std::string_view text : members) {
    autoscaling::Instance& one = out.emplace_back();
    const bool leaving = text.starts_with('~');
    if (leaving) text.remove_prefix(1);
    one.InstanceId = std::string(text);
    one.LifecycleState = leaving ? "Terminating" : "InService";
    one.LaunchTemplate.emplace().Version = text[0] >= 'a' ? "1" : "2";
  }
  return out;
}

TEST(FailedAttempts, ThreeInARow) {
  FailedAttempts attempts("2");
  EXPECT_EQ(attempts.look(group({"a", "b"})), Ids{});
  EXPECT_EQ(attempts.look(group({"a", "b", "N"})), Ids{});
  EXPECT_EQ(attempts.look(group({"a", "b", "~N", "M"})), Ids{"N"});
  EXPECT_EQ(attempts.look(group({"a", "b", "~N", "M"})), Ids{});
  EXPECT_EQ(attempts.look(group({"a", "b"})), Ids{"M"});
  EXPECT_FALSE(attempts.hopeless());
  EXPECT_EQ(attempts.look(group({"a", "b", "~O"})), Ids{"O"});  // never seen in service
  EXPECT_TRUE(attempts.hopeless());
  EXPECT_EQ(attempts.failed(), (Ids{"N", "M", "O"}));
}

TEST(FailedAttempts, OneThatServesForgivesThem) {
  FailedAttempts attempts("2");
  attempts.look(group({"a", "~N"}));
  attempts.look(group({"a", "~M"}));
  attempts.look(group({"a", "O"}));
  attempts.progress();
  EXPECT_EQ(attempts.look(group({"~a", "O", "~P"})), Ids{"P"});
  EXPECT_FALSE(attempts.hopeless());
}

TEST(FailedAttempts, WhatWasThereBeforeMayGo) {
  FailedAttempts attempts("2");
  attempts.look(group({"a", "b", "c"}));
  EXPECT_EQ(attempts.look(group({"~a"})), Ids{});
}

}  // namespace
}  // namespace brume::cli
