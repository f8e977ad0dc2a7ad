// The functions and operators, by the guide's own examples and at their edges.
#include "services/logs/insights/insights_test.h"

namespace brume::logs::insights {
namespace {

TEST(InsightsFunctions, GiveWhatTheGuideSays) {
  const std::string message =
      R"({"n": -4, "s": "xyZxyfooxyZ", "t": "true", "e": "", "w": " \t ", "u": "naïve", "ip": "192.0.2.7", "v6": "2001:db8::1", "b": true, "z": 0})";
  const std::pair<const char*, const char*> cases[] = {
      {"2 ^ 3", "8"},
      {"10 % 3", "1"},
      {"7 / 2", "3.5"},
      {"1 - 2 - 3", "-4"},
      {"2 + 3 * 4", "14"},
      {"-2 ^ 2", "-4"},
      {"2 ^ 3 ^ 2", "512"},
      {"(2 + 3) * 4", "20"},
      {"n - 1", "-5"},
      {"n-1", "-5"},
      {"1 / 0", "missing"},
      {"5 % z", "missing"},
      {"s + 1", "missing"},
      {"none + 1", "missing"},
      {"abs(n)", "4"},
      {"ceil(1.2)", "2"},
      {"floor(-1.2)", "-2"},
      {"greatest(1, 3, 2)", "3"},
      {"least(1, n, 2)", "-4"},
      {"log(1)", "0"},
      {"log(0)", "missing"},
      {"sqrt(16)", "4"},
      {"sqrt(n)", "missing"},
      {"ispresent(n)", "1"},
      {"isPresent(none)", "0"},
      {"coalesce(none, missing, n)", "-4"},
      {"if(n < 0, 'below', 'above')", "below"},
      {"isempty(e)", "1"},
      {"isempty(none)", "1"},
      {"isempty(w)", "0"},
      {"isblank(w)", "1"},
      {"isblank(u)", "0"},
      {"concat(u, '-', 1)", "naïve-1"},
      {"concat(none, 'x')", "x"},
      {"ltrim(\"xyZxyfooxyZ\", \"xyZ\")", "fooxyZ"},
      {"rtrim(\"xyZfooxyxyZ\", \"xyZ\")", "xyZfoo"},
      {"trim(\"xyZxyfooxyxyZ\", \"xyZ\")", "foo"},
      {"trim(' a ')", "a"},
      {"strlen(u)", "5"},
      {"strlen(none)", "missing"},
      {"toupper('aé1')", "Aé1"},
      {"tolower('AbC')", "abc"},
      {"substr(\"xyZfooxyZ\", 3, 3)", "foo"},
      {"substr(u, 3)", "ve"},
      {"substr(u, 2, 2)", "ïv"},
      {"substr(u, 9)", ""},
      {"replace(\"foo\", \"o\", \"0\")", "f00"},
      {"strcontains(s, 'foo')", "1"},
      {"strcontains(none, 'foo')", "0"},
      {"isValidIp(ip)", "1"},
      {"isValidIpV4(v6)", "0"},
      {"isValidIpV6(v6)", "1"},
      {"isValidIp('192.0.2')", "0"},
      {"isIpInSubnet(ip, \"192.0.2.0/24\")", "1"},
      {"isIpv4InSubnet(ip, '192.0.2.8/29')", "0"},
      {"isIpv6InSubnet(v6, '2001:db8::/32')", "1"},
      {"isIpv4InSubnet(v6, '2001:db8::/32')", "0"},
      {"isIpInSubnet(ip, '0.0.0.0/0')", "1"},
      {"jsonParse('[1, {\"a\": 2}]')", "[1, {\"a\": 2}]"},
      {"jsonParse('1')", "missing"},
      {"jsonStringify(u)", "\"naïve\""},
      {"jsonStringify(jsonParse('{\"a\":1}'))", "{\"a\":1}"},
      {"toupper(jsonParse('[]'))", "missing"},
      {"jsonParse('[]') = '[]'", "0"},
      {"toMillis(@timestamp)", "1558779879474"},
      {"fromMillis(1642195111000)", "2022-01-14 21:18:31.000"},
      {"datefloor(@timestamp, 1h)", "2019-05-25 10:00:00.000"},
      {"dateceil(@timestamp, 1h)", "2019-05-25 11:00:00.000"},
      {"bin(5 minutes)", "2019-05-25 10:20:00.000"},
      {"now()", "1558779879"},
      {"toMillis(@ingestionTime) - toMillis(@timestamp)", "5"},
      {"n = -4", "1"},
      {"n = '-4'", "1"},
      {"n != -4", "0"},
      {"none = 1", "0"},
      {"none != 1", "1"},
      {"none < 1", "0"},
      {"b", "1"},
      {"b = 1", "1"},
      {"b = true", "1"},
      {"b = 'true'", "1"},
      {"t = true", "1"},
      {"not b", "0"},
      {"not (n > 0) and z <= 0 or none", "1"},
      {"n in [1, -4]", "1"},
      {"u not in ['a', 'naïve']", "0"},
      {"n in []", "0"},
      {"s like 'foo'", "1"},
      {"s like /f.o/", "1"},
      {"s =~ /^xy/", "1"},
      {"s not like /(?i)FOO/", "0"},
      {"n like '4'", "1"},
      {"none like /x/", "0"},
      {"none not like /x/", "1"},
  };
  for (const auto& [expression, value] : cases) EXPECT_EQ(value_of(expression, message), value) << expression;
}

TEST(InsightsFunctions, TextsDoNotGrowWithoutBound) {
  std::string doubling = "fields concat(@message, @message) as a0", quoting = "fields ";
  for (int i = 0; i < 60; ++i) doubling += fmt::format(" | fields concat(a{0}, a{0}) as a{1}", i, i + 1);
  for (int i = 0; i < 60; ++i) quoting += "jsonStringify(";
  EXPECT_EQ(answer(doubling + " | display strlen(a19), strlen(a20)", std::vector<std::string>{"x"}),
            "strlen(a19)=1048576");
  EXPECT_EQ(answer(quoting + "@message" + std::string(60, ')') + " as q", std::vector<std::string>{"\""}), "");
}

TEST(InsightsFunctions, MembersOfParsedJson) {
  const std::vector<std::string> messages = {
      R"(prefix {"not": "json"})",
      R"({"text": "{\"status_code\": 200, \"users\": [{\"action\": \"x\"}, {\"action\": \"PutData\"}], \"user.id\": \"123\"}"})"};
  EXPECT_EQ(answer("fields jsonParse(text) as j | filter j.users[1].action = \"PutData\" and j.`user.id` = \"123\""
                   "| display j.status_code, j.users[0], j.status_code.x",
                   messages),
            R"(j.status_code=200 j.users.0={"action": "x"})");
  EXPECT_EQ(answer("fields jsonParse(text) as j | stats count() by j.status_code", messages),
            "count()=1; j.status_code=200 count()=1");
}

}  // namespace
}  // namespace brume::logs::insights
