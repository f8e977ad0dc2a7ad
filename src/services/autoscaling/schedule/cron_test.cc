#include "services/autoscaling/schedule/cron.h"

#include <gtest/gtest.h>

#include <chrono>

namespace brume::autoscaling {
namespace {

Timestamp at(const char* text) {
  return parse_iso8601(text).value();
}

std::string next(const char* cron, const char* zone, const char* after) {
  return to_iso8601(Cron::parse(cron)->next(*Zone::find(zone), at(after)));
}

TEST(Cron, ReadsWhatCrontabReads) {
  for (const char* good :
       {"* * * * *", "0 6 * * 1-5", "30 0 1 1,6,12 *", "*/15 8-18/2 * * mon-fri", "0 0 * JAN-mar SUN", "0 0 * * 7",
        "0 0 29 2 *", "5/20 * * * *", "  0   9 * *  sat-sun  ", "0 0 31 * *"})
    EXPECT_TRUE(Cron::parse(good)) << good;
  for (const char* bad : {"",
                          "* * * *",
                          "* * * * * *",
                          "60 * * * *",
                          "* 24 * * *",
                          "* * 0 * *",
                          "* * 32 * *",
                          "* * * 13 *",
                          "* * * 0 *",
                          "* * * * 8",
                          "? * * * *",
                          "* * L * *",
                          "* * * * 5#2",
                          "* * 15W * *",
                          "@daily",
                          "cron(0 6 * * ? *)",
                          "5-1 * * * *",
                          "*/0 * * * *",
                          "1,,2 * * * *",
                          "1- * * * *",
                          "-1 * * * *",
                          "1-2-3 * * * *",
                          "FOO * * * *",
                          "* * * mon *",
                          "0 0 30 2 *",
                          "0 0 31 4,6,9,11 *",
                          "*/x * * * *",
                          "1.5 * * * *"}) {
    const auto parsed = Cron::parse(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, "ValidationError");
    EXPECT_EQ(parsed.error().message, fmt::format("Given recurrence string: {} is invalid", bad));
  }
}

TEST(Cron, NextInUtc) {
  struct Case {
    const char *cron, *after, *next;
  };
  // 28 November 2026 is a Saturday.
  for (const Case& c : std::initializer_list<Case>{
           {"* * * * *", "2026-11-28T10:15:30Z", "2026-11-28T10:16:00Z"},
           {"0 10 * * *", "2026-11-28T10:00:00Z", "2026-11-29T10:00:00Z"},  // strictly after
           {"0 10 * * *", "2026-11-28T09:59:59Z", "2026-11-28T10:00:00Z"},
           {"30 6 * * 1-5", "2026-11-28T00:00:00Z", "2026-11-30T06:30:00Z"},
           {"0 0 * * 7", "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z"},
           {"0 0 * * SAT-SUN", "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z"},
           {"30 0 1 1,6,12 *", "2026-11-28T00:00:00Z", "2026-12-01T00:30:00Z"},
           {"0 0 29 2 *", "2026-11-28T00:00:00Z", "2028-02-29T00:00:00Z"},
           {"0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"},
           {"0 0 29 2 */7", "2088-03-01T00:00:00Z", "2128-02-29T00:00:00Z"},  // the next Sunday
           {"0 0 31 * *", "2026-11-28T00:00:00Z", "2026-12-31T00:00:00Z"},
           {"0 0 1 * 1", "2026-11-28T00:00:00Z", "2026-11-30T00:00:00Z"},    // either day will do
           {"0 0 */2 * 1", "2026-11-28T00:00:00Z", "2026-12-07T00:00:00Z"},  // a star is no restriction: both
           {"*/20 8-10/2 * * *", "2026-11-28T08:40:00Z", "2026-11-28T10:00:00Z"},
           {"59 23 31 12 *", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z"},
       })
    EXPECT_EQ(next(c.cron, "UTC", c.after), c.next) << c.cron << " after " << c.after;
}

TEST(Cron, FollowsItsZone) {
  EXPECT_EQ(next("0 9 * * *", "Asia/Singapore", "2026-11-28T00:00:00Z"), "2026-11-28T01:00:00Z");
  EXPECT_EQ(next("0 9 * * *", "America/New_York", "2026-07-01T00:00:00Z"), "2026-07-01T13:00:00Z");
  EXPECT_EQ(next("0 9 * * *", "America/New_York", "2026-12-01T00:00:00Z"), "2026-12-01T14:00:00Z");
  EXPECT_EQ(next("0 0 * * *", "Pacific/Tahiti", "2026-11-28T00:00:00Z"), "2026-11-28T10:00:00Z");
  EXPECT_EQ(next("0 0 * * *", "Etc/GMT+9", "2026-11-28T00:00:00Z"), "2026-11-28T09:00:00Z");
  // Long after what tzdata lists year by year.
  EXPECT_EQ(next("0 9 * * *", "America/New_York", "2090-07-01T00:00:00Z"), "2090-07-01T13:00:00Z");
}

TEST(Cron, WhenClocksArePutForward) {  // New York, 8 March 2026: after 01:59 comes 03:00, 07:00 UTC
  const auto day = [](const char* cron, const char* after) { return next(cron, "America/New_York", after); };
  EXPECT_EQ(day("30 2 * * *", "2026-03-08T00:00:00Z"), "2026-03-08T07:00:00Z");  // at the change, once
  EXPECT_EQ(day("30 2 * * *", "2026-03-08T07:00:00Z"), "2026-03-09T06:30:00Z");
  EXPECT_EQ(day("30 1 * * *", "2026-03-08T00:00:00Z"), "2026-03-08T06:30:00Z");
  EXPECT_EQ(day("30 * * * *", "2026-03-08T06:30:00Z"), "2026-03-08T07:30:00Z");  // 02:30 is no hour of that day
  EXPECT_EQ(day("*/30 2-3 * * *", "2026-03-08T07:00:00Z"), "2026-03-08T07:30:00Z");
}

TEST(Cron, WhenClocksArePutBack) {  // New York, 1 November 2026: 01:00 to 01:59 twice, from 05:00 and from 06:00 UTC
  const auto day = [](const char* cron, const char* after) { return next(cron, "America/New_York", after); };
  EXPECT_EQ(day("30 1 * * *", "2026-11-01T00:00:00Z"), "2026-11-01T05:30:00Z");
  EXPECT_EQ(day("30 1 * * *", "2026-11-01T05:30:00Z"), "2026-11-02T06:30:00Z");  // the first time only
  EXPECT_EQ(day("30 * * * *", "2026-11-01T05:30:00Z"), "2026-11-01T06:30:00Z");  // every hour is every hour
  EXPECT_EQ(day("*/10 * * * *", "2026-11-01T05:55:00Z"), "2026-11-01T06:00:00Z");
}

TEST(Cron, LastIsTheLatestThatNextGave) {
  for (const char* text : {"30 6 * * 1-5", "*/7 1-3 * * *", "0 0 29 2 *", "30 * * * *", "0 2 1,15 * 0"})
    for (const char* name : {"UTC", "America/New_York", "Australia/Lord_Howe"}) {
      const Cron cron = *Cron::parse(text);
      const Zone zone = *Zone::find(name);
      Timestamp time = at("2026-01-01T00:00:00Z");
      for (int i = 0; i < 20; ++i) {
        const Timestamp following = cron.next(zone, time);
        ASSERT_GT(following, time);
        EXPECT_EQ(cron.last(zone, following), following);
        EXPECT_LE(cron.last(zone, following - std::chrono::milliseconds(1)), time) << text << " " << name;
        time = following;
      }
    }
}

TEST(Zone, OnlyPlaces) {
  for (const char* bad : {"", "Mars/Olympus", "/etc/passwd", "../../etc/passwd", "localtime", "posixrules", "right/UTC",
                          "Europe/Paris\n", "file:/etc/localtime", "zone.tab"})
    EXPECT_FALSE(Zone::find(bad)) << bad;
  for (const char* good : {"UTC", "Europe/Paris", "America/Argentina/Buenos_Aires", "Etc/GMT-14"})
    EXPECT_TRUE(Zone::find(good)) << good;
}

}  // namespace
}  // namespace brume::autoscaling
