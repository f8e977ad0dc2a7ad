#include "cli/logs_text.h"

#include <gtest/gtest.h>

namespace brume::cli {
namespace {

using std::chrono::milliseconds;

TEST(LogsText, Since) {
  const Timestamp now(milliseconds(1'800'000'000'000));
  EXPECT_EQ(parse_since("90s", now), now - std::chrono::seconds(90));
  EXPECT_EQ(parse_since("10m", now), now - std::chrono::minutes(10));
  EXPECT_EQ(parse_since("2h", now), now - std::chrono::hours(2));
  EXPECT_EQ(parse_since("3d", now), now - std::chrono::days(3));
  EXPECT_EQ(parse_since("2027-01-15T08:00:00Z", now), now);
  for (const char* text : {"", "m", "-1m", "10", "10 m", "10w", "yesterday", "99999999999h"})
    EXPECT_FALSE(parse_since(text, now)) << text;
}

TEST(LogsText, Lines) {
  ShownEvent shown{"", {.logStreamName = "i-1", .timestamp = 1'800'000'000'123, .message = "a\x1b[31m line\n"}};
  EXPECT_EQ(line_of(shown, false), "2027-01-15T08:00:00.123Z i-1 a\x1b[31m line\n");
  const std::string coloured = line_of(shown, true);
  EXPECT_NE(coloured.find("mi-1\x1b[0m a?[31m line\n"), std::string::npos) << coloured;
  shown.group = "/web";
  EXPECT_EQ(line_of(shown, false), "2027-01-15T08:00:00.123Z /web i-1 a\x1b[31m line\n");
}

TEST(LogsText, Tables) {
  const std::vector<std::vector<logs::ResultField>> rows{
      {{.field = "path", .value = "/"}, {.field = "n", .value = "12"}, {.field = "@ptr", .value = "x"}},
      {{.field = "path", .value = "/büy"}, {.field = "mean", .value = "1\n2"}}};
  EXPECT_EQ(table_of(rows, 0),
            "path  n   mean\n"
            "/     12\n"
            "/büy      1 2\n");
  EXPECT_EQ(table_of(rows, 5), "path…\n/   …\n/büy…\n");
  EXPECT_EQ(table_of({}, 0), "\n");
}

}  // namespace
}  // namespace brume::cli
