#include "services/logs/pattern/filter_pattern.h"

#include "services/logs/pattern/pattern_cases_test.h"

namespace brume::logs {
namespace {

using Map = std::map<std::string, std::string>;

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
      {"%x.{1,900}y%", "the regular expression %x.{1,900}y% is too large: lower the numbers of its repetitions."},
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
