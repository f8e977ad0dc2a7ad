#include "services/logs/insights/json_fields.h"

#include <gtest/gtest.h>

namespace brume::logs::insights {
namespace {

std::string find(std::string_view text, std::vector<std::string> paths, bool structures = false) {
  std::vector<Value> values(paths.size());
  Scratch scratch;
  JsonFields(std::move(paths), structures).find(text, values, scratch);
  std::string out;
  for (const Value& value : values) out += (out.empty() ? "" : "|") + (value.missing() ? "-" : print(value));
  return out;
}

TEST(InsightsJsonFields, FindsMembersByPath) {
  const std::string_view text =
      R"( {"a": 1, "b": {"c": "x\n\u00e4\ud83d\ude00", "d": [10, {"e": true}, [7]]}, "f.g": null, "h.i": {"j": -1.50}} )";
  EXPECT_EQ(find(text, {"a"}), "1");
  EXPECT_EQ(find(text, {"b.c"}), "x\nä😀");
  EXPECT_EQ(find(text, {"b.d.0", "b.d.1.e", "b.d.2.0", "b.d.3"}), "10|1|7|-");
  EXPECT_EQ(find(text, {"h.i.j", "f.g", "a"}), "-1.50|-|1");
  EXPECT_EQ(find(text, {"b", "b.d", "a.b", "zz", "b.c.x"}), "-|-|-|-|-");
  EXPECT_EQ(find(text, {"a", "a"}), "1|1");
  EXPECT_EQ(find(text, {"b.d", "b.d.1", "b.d.1.e"}, true), R"([10, {"e": true}, [7]]|{"e": true}|1)");
}

TEST(InsightsJsonFields, TakesWhatComesBeforeTextGoesWrong) {
  EXPECT_EQ(find(R"({"a":1,"b":{"c":2)", {"a", "b.c", "d"}), "1|2|-");
  EXPECT_EQ(find(R"({"a":1,"b)", {"a", "b"}), "1|-");
  EXPECT_EQ(find(R"({"a":"x\")", {"a"}), "-");
  EXPECT_EQ(find(R"({"a":1 "b":2})", {"b"}), "2");
  EXPECT_EQ(find(R"({"a":null,"a":null,"b":2})", {"a", "b"}), "-|2");
  for (const char* text : {"", "{", "[", "{]", "[}", "{\"a\"}", "{\"a\":}", "{\"a\":,", "a", "\"", "[,", "{,"})
    EXPECT_EQ(find(text, {"a", "0"}), "-|-") << text;
  EXPECT_EQ(find(R"({"a":{"":1}})", {"a"}), "-");
}

TEST(InsightsJsonFields, KnowsWholeStructures) {
  EXPECT_EQ(whole_structure(" {\"a\":[\"]\"]} \n"), "{\"a\":[\"]\"]}");
  for (const char* text : {"", "1", "\"a\"", "{", "{} x", "[[]"}) EXPECT_EQ(whole_structure(text), "") << text;
}

}  // namespace
}  // namespace brume::logs::insights
