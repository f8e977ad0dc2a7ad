#include "cli/instance.h"

#include <gtest/gtest.h>

namespace brume::cli {
namespace {

TEST(Continuation, IsWhatIsNew) {
  const std::string long_text = [] {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "line " + std::to_string(i) + "\n";
    return text;
  }();
  EXPECT_EQ(continuation("", "abc"), "abc");
  EXPECT_EQ(continuation("abc", "abc"), "");
  EXPECT_EQ(continuation("abc", "abcdef"), "def");
  // The first part has gone.
  EXPECT_EQ(continuation(long_text, long_text.substr(3000) + "more\n"), "more\n");
  EXPECT_EQ(continuation(long_text, long_text.substr(long_text.size() - 20) + "more\n"), "more\n");
  // So much came that nothing of the old is left: all of it, rather than too little.
  EXPECT_EQ(continuation(long_text, "something else altogether\n"), "something else altogether\n");
  EXPECT_EQ(continuation("a", "b"), "b");
}

}  // namespace
}  // namespace brume::cli
