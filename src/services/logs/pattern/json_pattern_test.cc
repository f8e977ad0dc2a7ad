#include "services/logs/pattern/json_pattern.h"

#include "services/logs/pattern/pattern_cases_test.h"

namespace brume::logs {
namespace {

TEST(JsonPattern, Conditions) {
  check({
      {"{ $.eventType = \"UpdateTrail\" }", {kTrail}, {kUsers, "UpdateTrail", "", "{\"eventType\": \"updateTrail\"}"}},
      {"{$.eventType=UpdateTrail}", {kTrail}, {kUsers}},
      {"{ $.sourceIPAddress != 123.123.* }", {kTrail}, {R"({"sourceIPAddress": "123.123.1.1"})", "{}"}},
      {"{ $.arrayKey[0] = \"value\" }", {kTrail}, {R"({"arrayKey": ["x", "value"]})", R"({"arrayKey": "value"})"}},
      {"{ $.eventType = %Trail% }", {kTrail}, {R"({"eventType": "Tail"})"}},
      {"{ $.eventType != %Trail% }", {R"({"eventType": "Tail"})"}, {kTrail}},
      {"{ $.arrayKey[*] = %val.{2}% }", {kTrail}, {R"({"arrayKey": []})", R"({"arrayKey": {"a": "value"}})"}},
      {R"({ $.* = %111\.111\.111\.1[0-9]{1,2}% })", {kTrail}, {kUsers, R"({"a": {"b": "111.111.111.111"}})"}},
      {"{ $.['cluster.name'] = \"c\" }", {kTrail}, {R"({"cluster": {"name": "c"}})"}},
      {R"({ $['it\'s a'][0].b = 1 })", {R"({"it's a": [{"b": 1}]})"}, {kTrail}},
      {"{ $.SomeObject IS NULL }", {kTrail}, {"{}", R"({"SomeObject": "null"})", R"({"SomeObject": {}})"}},
      {"{ $.SomeOtherObject NOT EXISTS }", {kTrail, "{}", "[]"}, {R"({"SomeOtherObject": null})", "text", ""}},
      {"{ $.ThisFlag IS TRUE }", {R"({"ThisFlag": true})"}, {R"({"ThisFlag": "true"})", R"({"ThisFlag": false})"}},
      {"{ $.ThisFlag IS FALSE }", {R"({"ThisFlag":false})"}, {R"({"ThisFlag": true})", "{}"}},
      {"{ $.objectList[1].id = 2 }", {kTrail}, {R"({"objectList": {"id": 2}})", R"({"objectList": [2, 2]})"}},
      {"{ $.objectList[*].name = b && $.objectList[*].id = 1 }", {kTrail}, {kUsers}},
      {"{ ($.user.id = 1) && ($.users[0].email = \"John.Doe@example.com\") }", {kUsers}, {kTrail}},
      {R"({ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" })", {}, {kUsers}},
      {R"({ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "nonmatch" && $.actions[2] = "nonmatch" })",
       {kUsers},
       {kTrail}},
      {R"({ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch) && $.actions[2] = nomatch })",
       {},
       {kUsers}},
      {"{ $.coordinates[2][1] = 8 && $.coordinates[*][0] = 4 }", {kUsers}, {kTrail}},
      // Neither holds of what is no string or number.
      {"{ $.users = 1 }", {}, {R"({"users": [1, 2, 3]})"}},
      {"{ $.users != 1 }",
       {R"({"users": 2})"},
       {R"({"users": [1, 2, 3]})", R"({"users": true})", R"({"users": null})"}},
      {"{ $.a = * }", {R"({"a": ""})", R"({"a": 0})"}, {"{}", R"({"a": null})", R"({"a": [1]})", R"({"b": 1})"}},
      {"{ ($.errorCode = \"*UnauthorizedOperation\") || ($.errorCode = \"AccessDenied*\") }",
       {R"({"errorCode": "Client.UnauthorizedOperation"})", R"({"errorCode": "AccessDeniedException"})"},
       {R"({"errorCode": "UnauthorizedOperations"})", R"({"errorCode": "NoAccessDenied"})"}},
      {"{ $.userIdentity.type = Root && $.userIdentity.invokedBy NOT EXISTS && $.eventType != \"AwsServiceEvent\" }",
       {R"({"userIdentity": {"type": "Root"}, "eventType": "AwsApiCall"})"},
       {R"({"userIdentity": {"type": "Root", "invokedBy": "x"}, "eventType": "AwsApiCall"})",
        R"({"userIdentity": {"type": "Root"}, "eventType": "AwsServiceEvent"})"}},
      {"{ $.a = \"*b*\" }", {R"({"a": "abc"})", R"({"a": "b"})"}, {R"({"a": "ac"})"}},
      {"{ $.a = Ev*ent }", {R"({"a": "Ev*ent"})"}, {R"({"a": "Evxent"})"}},
      {"{ $.sub-name_1 = x }", {R"({"sub-name_1": "x"})"}, {"{}"}},
  });
}

TEST(JsonPattern, Numbers) {
  check({
      {"{ $.bandwidth > 75 }", {R"({"bandwidth": 75.5})", R"({"bandwidth": "80"})"}, {R"({"bandwidth": 75})"}},
      {"{ $.latency < 50 }", {R"({"latency":-1})"}, {R"({"latency": 50})", R"({"latency": "fast"})", "{}"}},
      {"{ $.refreshRate >= 60 }", {R"({"refreshRate": 6e1})"}, {R"({"refreshRate": 59})"}},
      {"{ $.responseTime <= 5 }", {R"({"responseTime": 5.0})"}, {R"({"responseTime": 5.1})"}},
      {"{ $.errorCode = 400}", {R"({"errorCode": 400})", R"({"errorCode": "400"})", R"({"errorCode": 4e2})"}, {"{}"}},
      {"{ $.errorCode = \"400\" }", {R"({"errorCode": 400})", R"({"errorCode": "400"})"}, {R"({"errorCode": 4e2})"}},
      {"{ $.errorCode != 500 }", {R"({"errorCode": 400})", R"({"errorCode": "none"})"}, {R"({"errorCode": 500})"}},
      {"{ $.errorCode = 4* }", {R"({"errorCode": 404})", R"({"errorCode": "4xx"})"}, {R"({"errorCode": 504})"}},
      {"{ $.number[0] = 1e+3 }", {R"({"number": [1000, 1]})"}, {R"({"number": [1, 1000]})"}},
      {"{ $.number[0] != 1e-3 }", {R"({"number": [1000]})"}, {R"({"number": [0.001]})"}},
      {"{ $.numbers[0] < 10e3 }", {R"({"numbers": [9999.5]})"}, {R"({"numbers": [10000]})"}},
      {"{ $.latency > +1000 }", {R"({"latency": 1001})"}, {R"({"latency": 1000})"}},
      {"{ $.n = -0.5 }", {R"({"n": -0.5})", R"({"n": -5e-1})"}, {R"({"n": 0.5})"}},
      {"{ $.n = 9007199254740993 }", {R"({"n": 9007199254740993})"}, {R"({"n": 9007199254740992})"}},
      {"{ $.n > 0 }", {R"({"n": 1e300})"}, {R"({"n": 1e400})", R"({"n": "inf"})", R"({"n": "0x10"})", R"({"n": ""})"}},
      {"[a > 1, b]", {"2 x", "+3 x"}, {"1 x", "a x", "inf x", "5, x"}},
  });
}

TEST(JsonPattern, OnlyJsonIsJson) {
  const FilterPattern a = pattern("{ $.a = 1 }"), no_b = pattern("{ $.b NOT EXISTS }");
  for (const std::string_view valid :
       {R"({"a":1})", " {\"a\" : 1 }\r\n", R"({"a":1,"x":[true,false,null,"",[],{},-0.5e+10,"\u00e9\\\"\/\b"]})",
        R"({"a":1,"a":2})", R"({"\u0061":1})", "{\"x\":\"\\ud83d\\ude00 \xF0\x9F\x98\x80\",\"a\":1}"}) {
    EXPECT_TRUE(a.matches(valid)) << valid;
    EXPECT_TRUE(no_b.matches(valid)) << valid;
  }
  for (const std::string_view invalid : {R"({"a":1)",
                                         R"({"a":1}})",
                                         R"({"a":1} x)",
                                         R"(x {"a":1})",
                                         R"({"a":1,})",
                                         R"({"a":1 "b":2})",
                                         R"({"a":1,"x":01})",
                                         R"({"a":1,"x":1.})",
                                         R"({"a":1,"x":.5})",
                                         R"({"a":1,"x":1e})",
                                         R"({"a":1,"x":-})",
                                         R"({"a":1,"x":+1})",
                                         R"({"a":1,"x":tru})",
                                         R"({"a":1,"x":nul})",
                                         R"({"a":1,"x":"\x"})",
                                         R"({"a":1,"x":"\u12g4"})",
                                         R"({"a":1,"x":"\u12)",
                                         R"({"a":1,"x":"abc)",
                                         R"({"a":1,"x":"abc\)",
                                         "{\"a\":1,\"x\":\"tab\there and some more\"}",
                                         R"({"a":1,x:2})",
                                         R"({"a":1,"x":[1,]})",
                                         R"({"a":1,"x":[1 2]})",
                                         R"({"a":1,"x":[})",
                                         R"({"a":1,"x"})",
                                         "1",
                                         "\"a\"",
                                         "null",
                                         "{",
                                         "["}) {
    EXPECT_FALSE(a.matches(invalid)) << invalid;
    EXPECT_FALSE(no_b.matches(invalid)) << invalid;
  }
}

TEST(JsonPattern, IsReadWithItsEscapes) {
  check({
      {R"({ $.a = "a/b" })", {R"({"a": "a\/b"})", R"({"a": "\u0061/b"})"}, {R"({"a": "a\\/b"})"}},
      {R"({ $.a = "\"\\" })", {R"({"a": "\"\\"})"}, {R"({"a": "\\"})"}},
      {"{ $.a = \"é😀\" }",
       {"{\"a\": \"é😀\"}", R"({"a": "\u00e9\ud83d\ude00"})", R"({"\u0061": "é\uD83D\uDE00"})"},
       {"{\"a\": \"é\"}"}},
      {"{ $.a = \"\xEF\xBF\xBD\" }", {R"({"a": "\ud83d"})", R"({"a": "\ude00"})"}, {R"({"a": "\ud83d\u0041"})"}},
      {R"({ $.a = %a.b% })", {R"({"a": "a\tb"})"}, {R"({"a": "ab"})"}},
  });
}

TEST(JsonPattern, NestingIsBounded) {
  const auto nested = [](int depth) {
    return R"({"x":)" + std::string(std::size_t(depth), '[') + std::string(std::size_t(depth), ']') + R"(,"a":1})";
  };
  const FilterPattern a = pattern("{ $.a = 1 }");
  EXPECT_TRUE(a.matches(nested(999)));
  EXPECT_FALSE(a.matches(nested(1000)));
  EXPECT_FALSE(a.matches(std::string(1 << 20, '[')));
  EXPECT_FALSE(a.matches(std::string(1 << 20, '{')));
  const auto in_parentheses = [](int depth) {
    return "{" + std::string(std::size_t(depth), '(') + "$.a = 1" + std::string(std::size_t(depth), ')') + "}";
  };
  EXPECT_TRUE(pattern(in_parentheses(64)).matches(R"({"a":1})"));
  EXPECT_EQ(error(in_parentheses(65)), "Invalid filter pattern: parentheses are more than 64 deep at character 67.");

  std::string path = "$", event = "1";
  for (int i = 0; i < 300; ++i) path += ".a", event = R"({"a":)" + event + "}";
  EXPECT_TRUE(pattern("{" + path + "=1}").matches(event));

  std::string many = "{$.a=0";
  while (many.size() < 1016) many += "||$.a=1";
  EXPECT_TRUE(pattern(many + "}").matches(R"({"a":1})"));
  EXPECT_FALSE(pattern(many + "}").matches(R"({"a":2})"));
}

}  // namespace
}  // namespace brume::logs
