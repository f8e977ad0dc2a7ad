#include "services/logs/pattern/filter_pattern.h"

#include <gtest/gtest.h>

namespace brume::logs {
namespace {

using Map = std::map<std::string, std::string>;

FilterPattern pattern(std::string_view text) {
  auto parsed = FilterPattern::parse(text);
  EXPECT_TRUE(parsed) << text << ": " << parsed.error().message;
  return parsed ? *std::move(parsed) : *FilterPattern::parse("");
}
std::string error(std::string_view text) {
  const auto parsed = FilterPattern::parse(text);
  if (parsed) return "none";
  EXPECT_EQ(parsed.error().code, "InvalidParameterException");
  return parsed.error().message;
}

// A pattern, and the events that it matches and does not match.
struct Case {
  std::string_view text;
  std::vector<std::string_view> matching, others;
};
void check(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    const FilterPattern parsed = pattern(one.text);
    for (const std::string_view message : one.matching) {
      EXPECT_TRUE(parsed.matches(message)) << one.text << " and " << message;
      EXPECT_NE(message.find(parsed.needle()), std::string_view::npos) << one.text << " and " << message;
    }
    for (const std::string_view message : one.others)
      EXPECT_FALSE(parsed.matches(message)) << one.text << " and " << message;
  }
}

// The user guide's events.
constexpr std::string_view kBadRequest = "[ERROR 400] BAD REQUEST", kUnauthorized = "[ERROR 401] UNAUTHORIZED REQUEST",
                           kMissing = "[ERROR 419] MISSING ARGUMENTS", kInvalid = "[ERROR 420] INVALID ARGUMENTS";
constexpr std::string_view kTrail =
    R"({"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "cluster.name": "c"})";
constexpr std::string_view kUsers =
    R"({"user": {"id": 1, "email": "John.Stiles@example.com"},
        "users": [{"id": 2, "email": "John.Doe@example.com"}, {"id": 3, "email": "Jane.Doe@example.com"}],
        "actions": ["GET", "PUT", "DELETE"], "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]]})";
constexpr std::string_view kApache =
    R"(127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534)";
constexpr std::string_view kInfo = "INFO 09/25/2014 12:00:00 GET /service/resource/67 1200",
                           kPart = "INFO 09/25/2014 12:00:01 POST /service/resource/67/part/111 1310",
                           kWarning = "WARNING 09/25/2014 12:00:02 Invalid user request",
                           kError = "ERROR 09/25/2014 12:00:02 Failed to process request";

TEST(FilterPattern, EmptyMatchesAll) {
  for (const std::string_view all : {"", "  ", "\" \"", "[]", "[...]"}) {
    EXPECT_TRUE(pattern(all).matches("")) << all;
    EXPECT_TRUE(pattern(all).matches(kError)) << all;
    EXPECT_EQ(pattern(all).needle(), "") << all;
  }
}

TEST(FilterPattern, Terms) {
  check({
      {"ERROR", {kBadRequest, kUnauthorized, kMissing, kInvalid, "Exiting with ERRORCODE: -1"}, {"", "ERRO", "Error"}},
      {"ERROR ARGUMENTS", {kMissing, kInvalid}, {kBadRequest, kUnauthorized}},
      {"?ERROR ?ARGUMENTS", {kBadRequest, kMissing, "no ARGUMENTS"}, {"[INFO] REQUEST"}},
      {"?ERROR", {kBadRequest}, {"[INFO] REQUEST"}},
      {"?ERROR ?ARGUMENTS REQUEST", {"[INFO] REQUEST FAILED", kUnauthorized}, {kMissing}},
      {"?ERROR -REQUEST", {kMissing, "nothing"}, {kBadRequest}},
      {"\"INTERNAL SERVER ERROR\"", {"[ERROR 500] INTERNAL SERVER ERROR"}, {"INTERNAL  SERVER ERROR"}},
      {"ERROR -ARGUMENTS", {kBadRequest, kUnauthorized}, {kMissing, kInvalid}},
      {"\"ERROR\" - \"Exiting\"", {"[ERROR] A fatal exception"}, {"Exiting with ERRORCODE: -1"}},
      {"-ERROR", {"", "fine"}, {kBadRequest}},
      {"\"[ERROR]\" Exception", {"02 May [ERROR] Unhandled: InvalidQueryException"}, {"[ERROR] Terminating"}},
      {R"("\"level\":\"error\"" "C:\\dir" "\n")",
       {R"({"level":"error","f":"C:\dir","t":"\n"})"},
       {R"({"level":"error"})"}},
      {"?\"a b\" ?%c.d%", {"a b", "cxd"}, {"ab", "cd"}},
  });
}

TEST(FilterPattern, FindsTermsWhereverTheyAre) {
  std::string message(300, 'E');
  for (std::size_t at = 0; at + 5 <= message.size(); at += 7) {
    std::string with = message;
    with.replace(at, 5, "ERROR");
    EXPECT_TRUE(pattern("ERROR").matches(with)) << at;
    EXPECT_TRUE(pattern("\"EERROR\"").matches("E" + with)) << at;
  }
  EXPECT_FALSE(pattern("ERROR").matches(message));
  EXPECT_TRUE(pattern("EEEEEEEF").matches(message + "F"));
  EXPECT_FALSE(pattern("EEEEEEEF").matches(message));
}

TEST(FilterPattern, RegularExpressions) {
  check({
      {"%AUTHORIZED%", {kUnauthorized, "[SUCCESS 200] AUTHORIZED REQUEST"}, {kBadRequest}},
      {"%^[hc]at%", {"hat", "cats"}, {"that", "bat"}},
      {"%[hc]at$%", {"that"}, {"hats"}},
      {"%colou?r%", {"color", "colour"}, {"colouur"}},
      {"%[abcx-z]%", {"y", "c"}, {"d", "-"}},
      {"%^a{3,5}$%", {"aaa", "aaaaa"}, {"aa", "aaaaaa"}},
      {"%^a{,2}$%", {"", "aa"}, {"aaa"}},
      {"%^a{2,}$%", {"aa", "aaaaaaa"}, {"a"}},
      {"%^a{1, 2}$%", {"a", "aa"}, {"aaa"}},
      {"%^b{3}$%", {"bbb"}, {"bb"}},
      {"%gra|ey%", {"gray", "grey"}, {"gry"}},
      {"%^starting|^initializing|^shutting down%", {"shutting down now"}, {"skipping initializing ..."}},
      {"%abcc|ab[^c]$%", {"abcc ...", "aba"}, {"aac", "abc"}},
      {R"(%\[.\]%)", {"[a]", "[]]", "[ ]", "[\n]"}, {"[]", "[ab]"}},
      {R"(%10\.10\.0\.1%)", {"from 10.10.0.1"}, {"10010,051"}},
      {"%10.10.0.1%", {"10010,051"}, {"10.10.0"}},
      {"%ab*c%", {"ac", "abbbc"}, {"ab"}},
      {"%ab[0-9]*%", {"ab", "ab129"}, {"a1"}},
      {"%ab+c%", {"abc", "abbc"}, {"ac"}},
      {"%.at%",
       {"4at", " at",
        "\xC3\xA9"
        "at"},
       {"at"}},
      {R"(%^\d\D\s\S\w\W$%)", {"1a b_-"}, {"aa b_-"}},
      {R"(%\x3A\x28%)", {"a:(b"}, {"a:b"}},
      {R"(%a\_b\-c\\%)", {"a_b-c\\"}, {"a_b-c"}},
      {"%[[:digit:]]x%", {"1x"}, {"ax"}},
      {"%[]a]%", {"]"}, {"["}},
      {"%a|b% %c%", {"bc"}, {"b"}},
      {"-%a.c%", {"ac"}, {"abc"}},
  });
  EXPECT_EQ(pattern("%AUTHORIZED%").needle(), "AUTHORIZED");
  EXPECT_EQ(pattern("%ab+cde?f[x]ghij*%").needle(), "ghi");
  EXPECT_EQ(pattern("%abc|d%").needle(), "");
}

TEST(FilterPattern, Json) {
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

TEST(FilterPattern, Numbers) {
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

TEST(FilterPattern, OnlyJsonIsJson) {
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

TEST(FilterPattern, JsonIsReadWithItsEscapes) {
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

TEST(FilterPattern, NestingIsBounded) {
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

TEST(FilterPattern, Fields) {
  check({
      {"[ip=%127\\.0\\.0\\.[1-9]%, user, username, timestamp, request =*.html*, status_code = 4*, bytes]",
       {kApache},
       {}},
      {"[..., request =*.html*, status_code = 4*, bytes]", {kApache}, {kInfo}},
      {"[ip, user, username, timestamp, request =*.html*, status_code = 404 || status_code = 410, bytes]",
       {kApache},
       {}},
      {"[ip, user, username, timestamp, request, status_code = 4* && status_code != 403, bytes]", {kApache}, {}},
      {"[ip, server, username, timestamp, request, status_code, bytes > 1000]", {kApache}, {"1 2 3 4 5 6 999"}},
      {"[..., status_code=404, size]", {kApache}, {R"(127.0.0.1 - frank [10/Oct/2000] "GET /" 200 404)"}},
      {"[ip, user, ..., status_code, bytes]", {kApache, "a b c d"}, {"a b c"}},
      {"[ip, user, ...]", {kApache, "a b"}, {"a"}},
      {"[w1=ERROR, w2]", {kError}, {kInfo, kWarning, "ERROR", "ERRORS x"}},
      {"[w1=ERROR]", {"ERROR", " ERROR\n"}, {kError}},
      {"[w1=ERROR || w1=WARNING, w2]", {kError, kWarning}, {kInfo}},
      {"[(w1=ERROR || w1=%WARN%) && w1!=\"WARN\", w2]", {kError, kWarning}, {kInfo, "WARN x"}},
      {"[w1!=ERROR && w1!=WARNING, w2]", {kInfo}, {kError, kWarning}},
      {"[logLevel, date, time, method, url=%/service/resource/[0-9]+$%, response_time]", {kInfo}, {kPart, kWarning}},
      {"[logLevel, date, time, method, url=%/service/resource/[0-9]+/part/[0-9]+$%, response_time]", {kPart}, {kInfo}},
      {"[timestamp=*Z, request_id=\"*-*\", event]", {"2015-05-05T01:02:03Z 1-2 x y"}, {"2015 1-2 x", "Z 12 x"}},
      {"[version, account, destport=\"22\", action=\"REJECT\", status]", {"2 1 22 REJECT OK"}, {"2 1 22 ACCEPT OK"}},
      {"[name=REPORT, ..., unit=ms]", {"REPORT Id: 1\tDuration: 2.5 ms"}, {"REPORT Id: 1\tDuration: 2.5 s"}},
      {"[a=\"x \\\"y\\\"\", b]", {}, {R"("x" z)"}},
      {"[a, b=\"]\", c]", {"x ] y"}, {"x y z"}},
      {"[a=-, b]", {"- x"}, {"-- x"}},
  });
}

TEST(FilterPattern, Extracts) {
  const std::string_view access =
      R"(127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /apache_pb.gif HTTP/1.0" 200 1534)";
  const Map unnamed = {{"$1", "127.0.0.1"},
                       {"$2", "-"},
                       {"$3", "frank"},
                       {"$4", "10/Oct/2000:13:25:15 -0700"},
                       {"$5", "GET /apache_pb.gif HTTP/1.0"},
                       {"$6", "200"},
                       {"$7", "1534"}};
  const auto renamed = [&](const Map& names) {
    Map out = unnamed;
    for (const auto& [number, name] : names) out[name] = out[number], out.erase(number);
    return out;
  };
  const struct {
    std::string_view text, message;
    std::optional<Map> values;
  } cases[] = {
      {"[ip, identity, user_id, timestamp, request, status_code, size]", access,
       renamed({{"$1", "$ip"},
                {"$2", "$identity"},
                {"$3", "$user_id"},
                {"$4", "$timestamp"},
                {"$5", "$request"},
                {"$6", "$status_code"},
                {"$7", "$size"}})},
      {"[..., size]", access, renamed({{"$7", "$size"}})},
      {"[]", access, unnamed},
      {"[..., status_code=200, size]", access, renamed({{"$6", "$status_code"}, {"$7", "$size"}})},
      {"[..., status_code=404, size]", access, std::nullopt},
      {"[..., request=*.gif*, status_code=2*,]", access, renamed({{"$5", "$request"}, {"$6", "$status_code"}})},
      {"[ip,,,...]", access, renamed({{"$1", "$ip"}})},
      {"[level, text]", kError, Map{{"$level", "ERROR"}, {"$text", "09/25/2014 12:00:02 Failed to process request"}}},
      {"[a, rest]", R"(x "y z" [w])", Map{{"$a", "x"}, {"$rest", R"("y z" [w])"}}},
      {"[a, b]", R"(x "y \"z\"" )", Map{{"$a", "x"}, {"$b", R"(y \"z\")"}}},
      {"[a, b, c]", "[x]y \"open [open", Map{{"$a", "x"}, {"$b", "y"}, {"$c", "\"open [open"}}},
      {"[]", "", Map{}},
      {"ERROR", kError, Map{}},
      {"ERROR", kInfo, std::nullopt},
      {"{ $.eventType = * }", kTrail, Map{}},
  };
  for (const auto& one : cases) EXPECT_EQ(pattern(one.text).extract(one.message), one.values) << one.text;
}

TEST(FilterPattern, Selects) {
  const FilterPattern json = pattern("{ $.eventType = * }"), fields = pattern("[ip, ..., bytes]"),
                      terms = pattern("ERROR");
  const struct {
    const FilterPattern& by;
    std::string_view selector, message;
    std::optional<std::string> value;
  } cases[] = {
      {json, "$.eventType", kTrail, "UpdateTrail"},
      {json, "$.objectList[1].id", kTrail, "2"},
      {json, "$.['cluster.name']", kTrail, "c"},
      {json, "$.a", R"({"a": "\u00e9"})", "é"},
      {json, "$.a", R"({"a": 1.50e1})", "1.50e1"},
      {json, "$.SomeObject", kTrail, std::nullopt},
      {json, "$.arrayKey", kTrail, std::nullopt},
      {json, "$.missing", kTrail, std::nullopt},
      {fields, "$ip", kApache, "127.0.0.1"},
      {fields, "$bytes", kApache, "1534"},
      {fields, "$5", kApache, "GET /index.html HTTP/1.0"},
      {fields, "$7", kApache, "1534"},
      {fields, "$8", kApache, std::nullopt},
  };
  for (const auto& one : cases) {
    const auto selector = one.by.selector(one.selector);
    ASSERT_TRUE(selector) << one.selector;
    EXPECT_EQ(one.by.value(*selector, one.message), one.value) << one.selector;
  }
  for (const std::string_view bad :
       {"$eventType", "$1", "eventType", "$", "$.", "$.a[", "$.a.", "$.a b", "$.*", "$.a[*]", ""})
    EXPECT_FALSE(json.selector(bad)) << bad;
  for (const std::string_view bad : {"$other", "$.ip", "ip", "$", "$0", "$1x", "$99999999999999999999", ""})
    EXPECT_FALSE(fields.selector(bad)) << bad;
  EXPECT_FALSE(pattern("[a, b]").selector("$3"));
  EXPECT_FALSE(terms.selector("$1"));
  EXPECT_FALSE(terms.selects());
  EXPECT_TRUE(json.selects() && fields.selects());
}

TEST(FilterPattern, Needles) {
  for (const auto& [text, needle] :
       std::vector<std::pair<std::string_view, std::string_view>>{{"a bcd ef", "bcd"},
                                                                  {"?a ?b", ""},
                                                                  {"?abc", "abc"},
                                                                  {"-a", ""},
                                                                  {"\"a b\" c", "a b"},
                                                                  {"[a=x && a=*yz*, b=zz]", "yz"},
                                                                  {"[a=x || a=y]", ""},
                                                                  {"[a!=xyz]", ""},
                                                                  {"[a>100]", ""},
                                                                  {"{ $.a = \"abc\" }", ""}})
    EXPECT_EQ(pattern(text).needle(), needle) << text;
}

TEST(FilterPattern, Errors) {
  const std::string long_one(1025, 'a');
  const struct {
    std::string_view text, message;
  } cases[] = {
      {long_one, "it has 1025 characters, 1024 are allowed."},
      {"a:b", "Invalid character(s) in term ':' at character 2."},
      {"?Status: timeout", "Invalid character(s) in term ':' at character 8."},
      {"(", "Invalid character(s) in term '(' at character 1."},
      {"größe", "Invalid character(s) in term 'ö' at character 3."},
      {"\"é\" a:", "Invalid character(s) in term ':' at character 6."},
      {"a*", "Invalid character(s) in term '*' at character 2."},
      {"\"\"", "Invalid character(s) in term '\"\"' at character 1."},
      {"\"a\"b", "Invalid character(s) in term 'b' at character 4."},
      {"\"a", "a double quote is not closed at character 1."},
      {"a -", "it ends too early."},
      {"-\" \"", "\" \" matches everything and stands alone at character 5."},
      {"%ab", "a regular expression is not closed by % at character 1."},
      {"%%", "the regular expression %% is empty."},
      {"%something!%",
       "the regular expression %something!% has the character '!', which is not supported: write \\x21."},
      {"%(a)%", "the regular expression %(a)% has the character '(', which is not supported: write \\x28."},
      {R"(%\(a%)", R"(the regular expression %\(a% has a backslash before what it cannot be before.)"},
      {R"(%\bx%)", R"(the regular expression %\bx% has a backslash before what it cannot be before.)"},
      {R"(%a\%)", R"(the regular expression %a\% has a backslash before what it cannot be before.)"},
      {R"(%\x3%)",
       R"(the regular expression %\x3% has \x without two hexadecimal digits of an ASCII character behind it.)"},
      {R"(%\xE9%)",
       R"(the regular expression %\xE9% has \x without two hexadecimal digits of an ASCII character behind it.)"},
      {"%é%", "the regular expression %é% has a character of several bytes, which is not supported."},
      {"%[a%", "the regular expression %[a% has a [ without its ]."},
      {"%a{3,%", "the regular expression %a{3,% has a { without its }."},
      {"%a{x}%", "the regular expression %a{x}% has {x}, which is no repetition: {m}, {m,}, {,n} or {m,n}."},
      {"%a{}%", "the regular expression %a{}% has a {} without a number."},
      {"%a{2000}%", "the regular expression %a{2000}% is not valid: invalid repetition size: {2000}."},
      {"%*a%", "the regular expression %*a% is not valid: no argument for repetition operator: *."},
      {"%a% %b% %c%", "it has more than 2 regular expressions at character 9."},
      {"[a=%x%, b=%y%, c=%z%]", "it has more than 2 regular expressions at character 18."},
      {"{}", "a property selector ($.name) is expected at character 2."},
      {"{ $.a }", "Invalid character(s) in term '}' at character 7."},
      {"{ a = 1 }", "a property selector ($.name) is expected at character 3."},
      {"{ $ = 1 }", "Invalid character(s) in term ' ' at character 4."},
      {"{ $.\"sc-status\" = 5* }", "Invalid character(s) in term '\"' at character 5."},
      {"{ $.a == 1 }", "Invalid character(s) in term '=' at character 8."},
      {"{ $.a = }", "Invalid character(s) in term '}' at character 9."},
      {"{ $.a = a/b }", "Invalid character(s) in term '/' at character 10."},
      {"{ $.a = \"x\", $.b = 1 }", "Invalid character(s) in term ',' at character 12."},
      {"{ $.a = 1 && }", "a property selector ($.name) is expected at character 14."},
      {"{ $.a = 1 || }", "a property selector ($.name) is expected at character 14."},
      {"{ ($.a = 1 }", "Invalid character(s) in term '}' at character 12."},
      {"{ $.a = 1 } }", "Invalid character(s) in term '}' at character 13."},
      {"{ $.a > abc }", "> is not followed by a number at character 9."},
      {"{ $.a < \"5\" }", "< is not followed by a number at character 9."},
      {"{ $.a <= %5% }", "<= is not followed by a number at character 10."},
      {"{ $.a EXISTS }",
       "'EXISTS' is none of IS NULL, IS TRUE, IS FALSE, NOT EXISTS and the operators = != < <= > >= at character 7."},
      {"{ $.a IS NOT NULL }",
       "'IS NOT' is none of IS NULL, IS TRUE, IS FALSE, NOT EXISTS and the operators = != < <= > >= at character 7."},
      {"{ $.a[x] = 1 }", "Invalid character(s) in term 'x' at character 7."},
      {"{ $.a[99999999999] = 1 }", "an array's index is too large at character 18."},
      {"{ $.['a = 1 }", "a single quote is not closed at character 14."},
      {"{ $.*.a[*] = 1 }", "a property selector has more than one wildcard at character 11."},
      {"{ $.* = 1 || $.a[*] = 1 || $.b.* = 1 || $.c.* = 2 }", "it has more than 3 wildcard selectors at character 46."},
      {"[a, ..., b, ...]", "it has a second ellipsis at character 16."},
      {"[a, a]", "there is a second field 'a' at character 5."},
      {"[a = ]", "Invalid character(s) in term ']' at character 6."},
      {"[a, b=x || c=y]", "a condition of the field 'b' speaks of 'c' at character 12."},
      {"[a b]", "Invalid character(s) in term 'b' at character 4."},
      {"[a.b]", "Invalid character(s) in term '.' at character 3."},
      {"[a, b]]", "Invalid character(s) in term ']' at character 7."},
      {"[$.a = 1]", "Invalid character(s) in term '$' at character 2."},
  };
  for (const auto& one : cases)
    EXPECT_EQ(error(one.text), "Invalid filter pattern: " + std::string(one.message)) << one.text;
  EXPECT_EQ(error("{ $.a = 1"), "If a filter pattern starts with '{' it must end with '}'.");
  EXPECT_EQ(error("[a, b] x"), "If a filter pattern starts with '[' it must end with ']'.");
  EXPECT_EQ(error("["), "If a filter pattern starts with '[' it must end with ']'.");
  std::string wide = "\"";
  for (int i = 0; i < 1022; ++i) wide += "é";
  EXPECT_EQ(error(wide + "\""), "none") << "1024 characters, however many bytes";
}

TEST(FilterPattern, LargeMessagesCostTheirLength) {
  const std::string brackets = [] {
    std::string out;
    while (out.size() < 1 << 20) out += "[ \" ";
    return out;
  }();
  EXPECT_FALSE(pattern("[..., last=x]").matches(brackets));
  EXPECT_FALSE(pattern("[first=x, ...]").matches(brackets));
  std::string escapes = "\"";
  while (escapes.size() < 1 << 20) escapes += "\\\"";
  EXPECT_FALSE(pattern("[..., last=x]").matches(escapes));
  const std::string same(1 << 20, 'a');
  EXPECT_FALSE(pattern("\"" + std::string(1000, 'a') + "b\"").matches(same));
  EXPECT_FALSE(pattern("%a{1,100}b%").matches(same));
}

}  // namespace
}  // namespace brume::logs
