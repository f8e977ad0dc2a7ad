#include "compute/agent/timestamp_format.h"

#include <gtest/gtest.h>

namespace brume::agent {
namespace {

const Timestamp kNow = parse_iso8601("2026-01-02T12:00:00Z").value();

TEST(TimestampFormat, FindsTheTime) {
  struct Case {
    const char *format, *line, *wanted;  // empty: none
  };
  const Case cases[] = {
      {"%Y-%m-%d %H:%M:%S", "2025-12-31 23:59:58 text", "2025-12-31T23:59:58Z"},
      {"%Y-%m-%dT%H:%M:%S.%f", "x 2025-12-31T23:59:58.123456Z", "2025-12-31T23:59:58.123Z"},
      {"%H:%M:%S,%f", "10:11:12,5", "2026-01-01T10:11:12.500Z"},
      {"%Y-%m-%dT%H:%M:%S%z", "2025-12-31T23:59:58+0130", "2025-12-31T22:29:58Z"},
      {"%Y-%m-%dT%H:%M:%S%z", "2025-12-31T23:59:58-01:30", "2026-01-01T01:29:58Z"},
      {"%Y-%m-%dT%H:%M:%S%z", "2025-12-31T23:59:58Z", "2025-12-31T23:59:58Z"},
      {"%d/%b/%Y:%H:%M:%S %z", R"(127.0.0.1 - - [31/Dec/2025:23:59:58 +0000] "GET / HTTP/1.1" 200)",
       "2025-12-31T23:59:58Z"},
      // syslog, a day of one digit with a blank; the year is the one just gone
      {"%b %d %H:%M:%S", "Dec  7 06:05:04 host app: text", "2025-12-07T06:05:04Z"},
      {"%b %d %H:%M:%S", "Jan 2 06:05:04 host app: text", "2026-01-02T06:05:04Z"},
      {"%b %-d %H:%M:%S", "Dec 7 06:05:04", "2025-12-07T06:05:04Z"},
      {"%A, %d %B %y %I:%M:%S %p", "Wednesday, 31 December 25 11:59:58 PM", "2025-12-31T23:59:58Z"},
      {"%-m/%-d/%Y %-I:%-M:%-S %p", "1/2/2026 3:4:5 am", "2026-01-02T03:04:05Z"},
      {"%Y-%m-%d %H:%M:%S %Z", "2025-12-31 23:59:58 GMT", "2025-12-31T23:59:58Z"},
      {"%Y%m%d%H%M%S", "20251231235958", "2025-12-31T23:59:58Z"},
      {"[%Y-%m-%d]", "[x] [2025-12-31]", "2025-12-31T00:00:00Z"},
      {"100%% %Y", "100% 2025", "2025-01-01T00:00:00Z"},
      {"%Y-%m-%d", "2025-13-01", ""},
      {"%Y-%m-%d", "2025-02-30", ""},
      {"%H:%M", "25:00", ""},
      {"%Y-%m-%d", "no time here", ""},
      {"%Y-%m-%d", "", ""},
      {"%I:%M %p", "13:00 PM", ""},
  };
  for (const Case& one : cases) {
    const auto format = TimestampFormat::compile(one.format, true);
    ASSERT_TRUE(format) << one.format;
    const auto found = format->find(one.line, kNow);
    EXPECT_EQ(found ? to_iso8601(found->time) : "", one.wanted) << one.format << " | " << one.line;
  }
}

TEST(TimestampFormat, SaysWhereItStands) {
  const auto format = TimestampFormat::compile("%H:%M", true);
  const auto found = format->find("at 10:11 h", kNow);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->begin, 3U);
  EXPECT_EQ(found->end, 8U);
}

TEST(TimestampFormat, RefusesByName) {
  EXPECT_EQ(TimestampFormat::compile("%Y %q", true).error().message, "timestamp_format has %q, which is not known");
  EXPECT_EQ(TimestampFormat::compile("%-Y", true).error().message, "timestamp_format has %-Y, which is not known");
  EXPECT_FALSE(TimestampFormat::compile("%", true));
  EXPECT_FALSE(TimestampFormat::compile("", true));
  EXPECT_FALSE(TimestampFormat::compile("text", true));
}

TEST(TimestampFormat, LocalTimeIsTheZoneOfTheProcess) {
  const char* before = ::getenv("TZ");
  const std::string kept = before ? before : "";
  ::setenv("TZ", "XYZ-3", 1);  // three hours ahead
  ::tzset();
  const auto found = TimestampFormat::compile("%Y-%m-%d %H:%M:%S", false)->find("2025-12-31 23:59:58", kNow);
  EXPECT_EQ(found ? to_iso8601(found->time) : "", "2025-12-31T20:59:58Z");
  before ? ::setenv("TZ", kept.c_str(), 1) : ::unsetenv("TZ");
  ::tzset();
}

}  // namespace
}  // namespace brume::agent
