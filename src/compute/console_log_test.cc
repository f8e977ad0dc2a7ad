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

}  // namespace
}  // namespace brume::compute
