#include "services/logs/batch.h"

#include <gtest/gtest.h>

namespace brume::logs {
namespace {

constexpr std::int64_t kNow = 1'800'000'000'000, kHour = 3'600'000, kDay = 24 * kHour;

List<InputLogEvent> events(std::initializer_list<std::int64_t> times) {
  List<InputLogEvent> made;
  for (const std::int64_t time : times) made.push_back({.timestamp = time, .message = "line"});
  return made;
}

TEST(Batch, WhatIsTaken) {
  struct Case {
    const char* what;
    std::initializer_list<std::int64_t> times;
    std::optional<std::int32_t> retention;
    std::size_t taken;
    std::optional<std::int32_t> too_old, expired, too_new;
  };
  const Case cases[] = {
      {"all", {kNow - kHour, kNow, kNow + kHour}, {}, 3, {}, {}, {}},
      {"equal times", {kNow, kNow}, {}, 2, {}, {}, {}},
      {"just not too old", {kNow - 14 * kDay}, {}, 1, {}, {}, {}},
      {"too old", {kNow - 14 * kDay - 1, kNow}, {}, 1, 1, {}, {}},
      {"just not too new", {kNow, kNow + 2 * kHour}, {}, 2, {}, {}, {}},
      {"too new", {kNow, kNow + 2 * kHour + 1}, {}, 1, {}, {}, 1},
      {"expired", {kNow - 3 * kDay - 1, kNow}, 3, 1, {}, 1, {}},
      {"expired and too old", {kNow - 15 * kDay, kNow - 4 * kDay, kNow}, 3, 1, 1, 2, {}},
      {"kept for longer than may be sent", {kNow - 15 * kDay, kNow}, 30, 1, 1, {}, {}},
      {"none", {kNow - 15 * kDay, kNow + 3 * kHour}, {}, 0, 1, {}, 1},
      {"a day apart", {kNow - kDay, kNow}, {}, 2, {}, {}, {}},
      {"what is rejected may be further apart", {kNow - 15 * kDay, kNow - kHour}, {}, 1, 1, {}, {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const List<InputLogEvent> sent = events(c.times);
    const auto batch = accept_batch(sent, kNow, c.retention);
    ASSERT_TRUE(batch) << batch.error().message;
    EXPECT_EQ(batch->events.size(), c.taken);
    const RejectedLogEventsInfo rejected = batch->rejected.value_or(RejectedLogEventsInfo());
    EXPECT_EQ(rejected.tooOldLogEventEndIndex, c.too_old);
    EXPECT_EQ(rejected.expiredLogEventEndIndex, c.expired);
    EXPECT_EQ(rejected.tooNewLogEventStartIndex, c.too_new);
    EXPECT_EQ(batch->rejected.has_value(), c.too_old || c.expired || c.too_new);
  }
}

TEST(Batch, WhatIsRefused) {
  const auto refusal = [](const List<InputLogEvent>& sent) {
    const auto batch = accept_batch(sent, kNow, {});
    return batch ? std::string("taken") : batch.error().message;
  };
  EXPECT_NE(refusal(events({kNow, kNow - 1})).find("chronological"), std::string::npos);
  EXPECT_NE(refusal(events({kNow - kDay - 1, kNow})).find("24 hours"), std::string::npos);
  List<InputLogEvent> large = events({kNow});
  large[0].message = std::string(kMostBatchBytes - kEventOverhead, 'x');
  EXPECT_EQ(refusal(large), "taken");
  large[0].message->push_back('x');
  EXPECT_EQ(refusal(large), "Log event too large: 1048577 bytes exceeds limit of 1048576");
  List<InputLogEvent> many = events({kNow, kNow});
  many[0].message = many[1].message = std::string(kMostBatchBytes / 2, 'x');
  EXPECT_EQ(refusal(many), "Upload too large: 1048628 bytes exceeds limit of 1048576");
}

}  // namespace
}  // namespace brume::logs
