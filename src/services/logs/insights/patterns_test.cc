#include "services/logs/insights/patterns.h"

#include <gtest/gtest.h>

namespace brume::logs::insights {
namespace {

TEST(InsightsPatterns, KnowWhatEveryMatchHas) {
  const std::pair<const char*, const char*> cases[] = {{"Exception", "Exception"},
                                                       {"ab.cde", "cde"},
                                                       {"abc?d", "ab"},
                                                       {"abc*", "ab"},
                                                       {"abc+de", "abc"},
                                                       {"ab{2}cdef", "cdef"},
                                                       {"a|b", ""},
                                                       {"(error|failure) in x", " in x"},
                                                       {"(?i)error", ""},
                                                       {"(?<name>x) after", " after"},
                                                       {"(?:x|y)tail", "tail"},
                                                       {"(?s:x)tail", ""},
                                                       {"[abc]long", "long"},
                                                       {"[]x]tail", "tail"},
                                                       {R"(\d+ items)", " items"},
                                                       {R"(10\.0\.0\.1)", "10.0.0.1"},
                                                       {R"(\x41BC)", ""},
                                                       {R"(a\x41BCD)", "a"},
                                                       {R"(\Qa|b\E)", ""},
                                                       {"^start$", "start"},
                                                       {"naïveé?", "naïve"},
                                                       {"", ""}};
  for (const auto& [pattern, text] : cases) EXPECT_EQ(literal_within(pattern), text) << pattern;
  EXPECT_EQ(literal_of("plain text"), "plain text");
  EXPECT_EQ(literal_of(R"(1\.5 \/)"), "1.5 /");
  for (const char* pattern : {"a.b", R"(\d)", "(a)", "a|b", "^a", R"(a\)"})
    EXPECT_FALSE(literal_of(pattern)) << pattern;
}

TEST(InsightsPatterns, ReadsGroupNamesAsCloudWatchWritesThem) {
  const auto regex = to_regex(R"(user=(?<user>\w+), [(?<] \((?<open>x)\))");
  ASSERT_TRUE(regex) << regex.error().message;
  EXPECT_EQ((*regex)->CapturingGroupNames().at(1), "user");
  EXPECT_EQ((*regex)->CapturingGroupNames().at(2), "open");
  EXPECT_EQ(to_regex("a(?=b)").error().message,
            "The regular expression looks around itself ('(?='), which Brume's cannot");
  EXPECT_TRUE(to_regex(R"(\(?=b)"));
  EXPECT_EQ(to_regex("a(").error().message, "The regular expression is not valid: missing ): a(");
}

TEST(InsightsPatterns, GlobsTakeWhatIsBetween) {
  const auto match = [](std::string_view pattern, std::string_view text) {
    const Glob glob(pattern);
    std::vector<Value> values(glob.values());
    if (!glob.match(text, values)) return std::string("no");
    std::string out;
    for (const Value& value : values) out += "<" + print(value) + ">";
    return out;
  };
  EXPECT_EQ(match("[*] * The error was: *", "25 May [ERROR] {foo=2} The error was: Data"), "<ERROR><{foo=2}><Data>");
  EXPECT_EQ(match("user=*, method:*, latency := *", "x user=u, method:m, latency := 216"), "<u><m><216>");
  EXPECT_EQ(match("a*b", "xaab a"), "<a>");
  EXPECT_EQ(match("a*b", "xa"), "no");
  EXPECT_EQ(match("*", "all"), "<all>");
  EXPECT_EQ(match("* *", "one two three"), "<one><two three>");
  EXPECT_EQ(match("2 \\* *", "2 * 3"), "<3>");
  EXPECT_EQ(match("**", "x"), "<><x>");
}

}  // namespace
}  // namespace brume::logs::insights
