#include "aws/validate.h"

#include <gtest/gtest.h>

namespace brume::aws {
namespace {

struct Item {
  std::optional<std::string> Key;
};
struct Input {
  std::optional<std::string> Name, Kind, Secret;
  std::optional<std::int32_t> Count;
  List<Item> Items;
};

constexpr const char* kKinds[] = {"small", "large"};

const Shape* name_shape() {
  static const Shape shape{.kind = Kind::string,
                           .min = 1,
                           .max = 8,
                           .pattern = R"([\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*)"};
  return &shape;
}
const Shape* key_shape() {
  static const Shape shape{.kind = Kind::string, .max = 8, .pattern = "[a-z]+"};
  return &shape;
}
const Shape* anchored_shape() {
  static const Shape shape{.kind = Kind::string, .pattern = "^[a-z]", .sensitive = true};
  return &shape;
}
const Shape* kind_shape() {
  static const Shape shape{.kind = Kind::string, .values = kKinds};
  return &shape;
}
const Shape* count_shape() {
  static const Shape shape{.kind = Kind::integer, .min = 0, .max = 10};
  return &shape;
}
template <typename T>
Member member(const char* name, const Shape* (*shape)(), std::size_t offset, bool required = false) {
  return {.name = name,
          .shape = shape,
          .offset = std::uint32_t(offset),
          .holder = &reflect::holder_access<T>,
          .required = required};
}
const Shape* item_shape() {
  static const Member members[] = {member<std::optional<std::string>>("Key", key_shape, offsetof(Item, Key), true)};
  static const Shape shape{.kind = Kind::structure, .members = members};
  return &shape;
}
const Shape* items_shape() {
  static const Shape shape{
      .kind = Kind::list, .max = 2, .element = item_shape, .list = &reflect::list_access<List<Item>>};
  return &shape;
}
const Shape& input_shape() {
  using Text = std::optional<std::string>;
  static const Member members[] = {member<Text>("Name", name_shape, offsetof(Input, Name), true),
                                   member<Text>("Kind", kind_shape, offsetof(Input, Kind)),
                                   member<Text>("Secret", anchored_shape, offsetof(Input, Secret)),
                                   member<std::optional<std::int32_t>>("Count", count_shape, offsetof(Input, Count)),
                                   {.name = "Items",
                                    .shape = items_shape,
                                    .offset = std::uint32_t(offsetof(Input, Items)),
                                    .holder = nullptr,
                                    .wire_name = "item"}};
  static const Shape shape{.kind = Kind::structure, .members = members};
  return shape;
}

std::string told(Protocol protocol, const Input& input) {
  const auto result = validate(protocol, input_shape(), &input);
  return result ? "" : result.error().code + ": " + result.error().message;
}

TEST(Validate, InAwssWords) {
  const std::string one = "ValidationError: 1 validation error detected: Value ";
  const struct {
    Input input;
    std::string message;
  } cases[] = {
      {{.Name = "ok", .Kind = "small", .Secret = "abc", .Count = 10, .Items = {{"a"}, {"b"}}}, ""},
      {{}, one + "null at 'name' failed to satisfy constraint: Member must not be null"},
      {{.Name = ""},
       one + "'' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1"},
      {{.Name = "123456789"},
       one + "'123456789' at 'name' failed to satisfy constraint: Member must have length less than or equal to 8"},
      {{.Name = "\xF0\x9F\x98\xB9\xF0\x9F\x98\xB9\xC3\xA4\xC3\xA4"}, ""},  // four characters
      {{.Name = "a", .Kind = "tiny"},
       one + "'tiny' at 'kind' failed to satisfy constraint: Member must satisfy enum value set: [small, large]"},
      {{.Name = "a", .Secret = "1"},
       one + "'***Sensitive information***' at 'secret' failed to satisfy constraint: Member must satisfy regular "
             "expression pattern: ^[a-z]"},
      {{.Name = "a", .Count = 11},
       one + "'11' at 'count' failed to satisfy constraint: Member must have value less than or equal to 10"},
      {{.Name = "a", .Items = {{"a"}, {"B"}}},
       one + "'B' at 'items.2.member.key' failed to satisfy constraint: Member must satisfy regular expression "
             "pattern: [a-z]+"},
      {{.Name = "a", .Items = {{"a"}, {"b"}, {"c"}}},
       one + "'[{...}, {...}, {...}]' at 'items' failed to satisfy constraint: Member must have length less than or "
             "equal to 2"},
      {{.Count = -1},
       "ValidationError: 2 validation errors detected: Value null at 'name' failed to satisfy constraint: Member must "
       "not be null; "
       "Value '-1' at 'count' failed to satisfy constraint: Member must have value greater than or equal to 0"},
  };
  for (const auto& c : cases) EXPECT_EQ(told(Protocol::query, c.input), c.message);
  EXPECT_EQ(told(Protocol::json, {}),
            "ValidationException: 1 validation error detected: Value null at 'name' failed to satisfy constraint: "
            "Member must not be null");
}

TEST(Validate, ByParameterWhereCloudWatchDoes) {
  Shape shape = input_shape();
  shape.name = "PutMetricDataInput";
  const struct {
    Input input;
    std::string message;
  } cases[] = {
      {{.Name = "a"}, ""},
      {{}, "MissingParameter: The parameter Name is required."},
      {{.Name = "123456789"}, "InvalidParameterValue: The parameter Name must be shorter than 9 characters."},
      {{.Name = "a", .Kind = "tiny"},
       "InvalidParameterValue: The parameter Kind must be a value in the set [ small, large ]."},
      {{.Name = "a", .Secret = "1"},
       "InvalidParameterValue: The value ***Sensitive information*** for parameter Secret is invalid."},
      {{.Name = "a", .Count = -1, .Items = {{"a"}, {}}},
       "InvalidParameterValue: The parameter Count must be greater than or equal to 0.\n"
       "The parameter Items.member.2.Key is required."},
      {{.Name = "a", .Items = {{"a"}, {"b"}, {"c"}}},
       "InvalidParameterValue: The collection Items must not have a size greater than 2."},
  };
  for (const auto& c : cases)
    for (const Protocol protocol : {Protocol::query, Protocol::json, Protocol::rpc_v2_cbor}) {
      const auto result = validate(protocol, shape, &c.input);
      EXPECT_EQ(result ? "" : result.error().code + ": " + result.error().message, c.message);
    }
}

TEST(Validate, InEc2sWords) {
  EXPECT_EQ(told(Protocol::ec2, {}), "MissingParameter: The request must contain the parameter Name");
  EXPECT_EQ(told(Protocol::ec2, {.Name = "a", .Items = {{}}}),
            "MissingParameter: The request must contain the parameter Item.1.Key");
  EXPECT_EQ(told(Protocol::ec2, {.Name = "a", .Count = 11}),
            "InvalidParameterValue: Value (11) for parameter Count is invalid. Member must have value less than or "
            "equal to 10");
}

}  // namespace
}  // namespace brume::aws
