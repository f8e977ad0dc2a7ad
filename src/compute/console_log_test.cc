#include "compute/console_log.h"

#include <gtest/gtest.h>

namespace brume::compute {
namespace {

TEST(ConsoleLog, GivesBackThePlainText) {
  const struct {
    const char* log;
    const char* text;
  } cases[] = {
      {"", ""},
      {"2026-01-01T00:00:00.1+00:00 stdout F hello world\n", "hello world\n"},
      {"2026-01-01T00:00:00.1+00:00 stdout F \n", "\n"},
      {"t stdout P one \nt stderr F  two\n", "one  two\n"},
      {"cut line\nt stdout F whole\n", "whole\n"},
      {"t stdout F last without its end", "last without its end\n"},
      {"t stdin F no\nt stdout X no\nt stdout\n", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(console_text(c.log, 100), c.text) << c.log;
}

TEST(ConsoleLog, KeepsTheEnd) {
  EXPECT_EQ(console_text("t stdout F 123456789\n", 4), "789\n");
}

TEST(ConsoleLog, LinesAsEvents) {
  const std::string t1 = "2026-01-01T00:00:00.123456789+00:00", t2 = "2026-01-01T01:00:01.5+01:00";
  const struct {
    const char* what;
    std::string log;
    bool to_the_end;
    std::vector<std::string> lines;
    std::size_t left;  // bytes not used
  } cases[] = {
      {"nothing", "", true, {}, 0},
      {"whole lines", t1 + " stdout F one\n" + t2 + " stderr F two\n", false, {"one", "two"}, 0},
      {"parts are one line", t1 + " stdout P on\n" + t2 + " stdout F e\n", false, {"one"}, 0},
      {"an unfinished one waits", t1 + " stdout F one\n" + t2 + " stdout P login: \n", false, {"one"}, 45},
      {"or not", t1 + " stdout F one\n" + t2 + " stdout P login: \n", true, {"one", "login: "}, 0},
      {"half an entry waits", t1 + " stdout F one\n" + t2 + " std", false, {"one"}, 31},
      {"empty ones are left out", t1 + " stdout F \n" + t1 + " stdout F \r\n", false, {}, 0},
      {"what is not understood is passed over", "x\n" + t1 + " stdout F one\n", false, {"one"}, 0},
      {"no UTF-8",
       t1 + " stdout F \xff\xc3\xa4\xc3(\xed\xa0\x80\n",
       false,
       {"\xEF\xBF\xBD\xc3\xa4\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
       0},
  };
  for (const auto& c : cases) {
    const ConsoleLines got = console_lines(c.log, c.to_the_end);
    std::vector<std::string> texts;
    for (const ConsoleLine& line : got.lines) texts.push_back(line.text);
    EXPECT_EQ(texts, c.lines) << c.what;
    EXPECT_EQ(c.log.size() - got.used, c.left) << c.what;
  }
  const auto times = console_lines(cases[1].log, false).lines;
  EXPECT_EQ(to_iso8601(times[0].time), "2026-01-01T00:00:00.123Z");
  EXPECT_EQ(to_iso8601(times[1].time), "2026-01-01T00:00:01.500Z");
}

}  // namespace
}  // namespace brume::compute
