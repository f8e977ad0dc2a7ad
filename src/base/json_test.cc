#include "base/json.h"

#include <gtest/gtest.h>

namespace {
struct Inner {
  std::string name;
  std::optional<std::int64_t> size;
};
struct Outer {
  bool flag = false;
  std::vector<Inner> items;
  brume::List<std::string> tags;
  std::map<std::string, std::string> labels;
  std::optional<Inner> extra;
  brume::Timestamp at{};
};
}  // namespace
BRUME_RECORD(Inner, name, size)
BRUME_RECORD(Outer, flag, items, tags, labels, extra, at)

namespace brume {
namespace {

TEST(Json, RoundTrip) {
  Outer value{.flag = true, .items = {{"a\"\n", 7}, {"b", std::nullopt}}, .labels = {{"k", "v"}}};
  value.at = from_epoch_seconds(1767225600.5);
  const std::string text = to_json(value);
  EXPECT_EQ(
      text,
      R"({"flag":true,"items":[{"name":"a\"\n","size":7},{"name":"b"}],"labels":{"k":"v"},"at":"2026-01-01T00:00:00.500Z"})");
  const auto back = from_json<Outer>(text);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(to_json(*back), text);
}

TEST(Json, PresentButEmptyListIsKept) {
  const auto value = from_json<Outer>(R"({"tags":[]})");
  ASSERT_TRUE(value.has_value());
  EXPECT_TRUE(value->tags.present());
  EXPECT_FALSE(from_json<Outer>("{}")->tags.present());
}

TEST(Json, MismatchNamesThePlace) {
  const auto value = from_json<Outer>(R"({"items":[{"name":"a"},{"name":3}]})");
  ASSERT_FALSE(value.has_value());
  EXPECT_EQ(value.error().code, "SerializationException");
  EXPECT_EQ(value.error().message, "items[1].name: expected a string");
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const char* text : {"", "{", "{} x", "nul", "{\"flag\":tru}"}) EXPECT_FALSE(from_json<Outer>(text)) << text;
  std::string deep(200, '[');
  EXPECT_FALSE(from_json<Outer>(deep));
}

}  // namespace
}  // namespace brume
