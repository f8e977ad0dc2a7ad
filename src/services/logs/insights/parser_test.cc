// What is refused, and how: each sentence says what to do, and where.
#include "services/logs/insights/insights_test.h"

namespace brume::logs::insights {
namespace {

TEST(InsightsParser, SaysWhatIsWrongAndWhere) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "The query is empty (line 1, position 1; characters 0 to 0)"},
      {"count()",
       "'count' is no command; those are display, fields, filter, where, parse, stats, sort, limit and dedup (line 1, "
       "position 1; characters 0 to 5)"},
      {"fields a\n| fliter b",
       "'fliter' is no command; those are display, fields, filter, where, parse, stats, sort, limit and "
       "dedup (line 2, position 3; characters 11 to 17)"},
      {"pattern @message", "Brume does not have the command pattern (line 1, position 1; characters 0 to 7)"},
      {"fields a | limit 5 | diff", "Brume does not have the command diff (line 1, position 22; characters 21 to 25)"},
      {"fields",
       "The query ends where a field, a value or a function is expected (line 1, position 7; characters 6 to 6)"},
      {"fields a b",
       "'b' is unexpected; '|' and the next command, or the end, is expected (line 1, position 10; characters 9 to "
       "10)"},
      {"fields a,",
       "The query ends where a field, a value or a function is expected (line 1, position 10; characters 9 to 9)"},
      {"fields a | | limit 1",
       "'|' is unexpected; a command (display, fields, filter, where, parse, stats, sort, limit and dedup) "
       "is expected (line 1, position 12; characters 11 to 12)"},
      {"filter a & b",
       "'&' is unexpected; put texts in quotes and names with other characters than letters, digits, '_', '@' and "
       "'.' in backticks (line 1, position 10; characters 9 to 10)"},
      {"filter a like b",
       "'b' is unexpected; a text in quotes or a regular expression between slashes is expected (line 1, "
       "position 15; characters 14 to 15)"},
      {"filter a =~ 'b'",
       "''b'' is unexpected; a regular expression between slashes is expected (line 1, position 13; characters "
       "12 to 15)"},
      {"filter a like /x",
       "The regular expression does not end with a slash (line 1, position 15; characters 14 to 16)"},
      {"filter a like /(/",
       "The regular expression is not valid: missing ): ( (line 1, position 15; characters 14 to 17)"},
      {"filter a = 'x", "The text in quotes does not end (line 1, position 12; characters 11 to 13)"},
      {"filter a in (SOURCE x)",
       "Brume has no subqueries; 'in' takes a list: [\"a\", \"b\"] (line 1, position 13; characters 12 to "
       "13)"},
      {"filter a not = 1", "'=' is unexpected; 'like' or 'in' is expected (line 1, position 14; characters 13 to 14)"},
      {"fields foo(a)", "There is no function 'foo' in Brume (line 1, position 8; characters 7 to 10)"},
      {"fields substr(a)", "substr takes 2 to 3 arguments, not 1 (line 1, position 8; characters 7 to 13)"},
      {"fields abs()", "abs takes 1 arguments, not 0 (line 1, position 8; characters 7 to 10)"},
      {"filter isIpInSubnet(a, '10.0.0.0')",
       "'10.0.0.0' is no address block; write one as 192.0.2.0/24 or 2001:db8::/32 (line 1, "
       "position 8; characters 7 to 19)"},
      {"stats count(*) by bin(300s)",
       "A period in s has at most 60 of them (CloudWatch would take 60s); write it in m (line 1, "
       "position 23; characters 22 to 26)"},
      {"stats count(*) by bin(5x)",
       "'x' is no unit of time; those are ms, s, m, h, d, w, mo, q and y (line 1, position 23; "
       "characters 22 to 24)"},
      {"stats count(*) by bin(a)",
       "'a' is unexpected; a period of time, as 5m or 1h, is expected (line 1, position 23; characters "
       "22 to 23)"},
      {"fields 5m", "A period of time belongs into bin, datefloor or dateceil (line 1, position 8; characters 7 to 9)"},
      {"fields avg(a)",
       "avg is of many records: it works in the results of a stats command, and not within another such function "
       "(line 1, position 8; characters 7 to 10)"},
      {"stats sum(avg(a))",
       "avg is of many records: it works in the results of a stats command, and not within another such "
       "function (line 1, position 11; characters 10 to 13)"},
      {"stats a",
       "'a' has many values here; aggregate it, for instance latest(a), or group by it (line 1, position 7; characters "
       "6 "
       "to 7)"},
      {"stats pct(a, 101)",
       "'101' is unexpected; a percentage from 0 to 100, as in pct(@duration, 95), is expected (line 1, "
       "position 14; characters 13 to 16)"},
      {"stats count(*), count(*)",
       "The column 'count(*)' is there twice; give one another name with 'as' (line 1, position 17; "
       "characters 16 to 21)"},
      {"stats count(*) by a | sort b",
       "'b' is no column of the stats command before; only those are left after it (line 1, "
       "position 28; characters 27 to 28)"},
      {"stats count(*) by a | stats avg(count(*)) by bin(5m)",
       "'@timestamp' is no column of the stats command before; only those "
       "are left after it (line 1, position 46; characters 45 to 48)"},
      {"stats count(*) as a | stats sum(a) as b | stats max(b)",
       "A query has at most 2 stats commands (line 1, position 49; "
       "characters 48 to 51)"},
      {"sort a | stats count(*)",
       "sort, limit and dedup have to come after the last stats (line 1, position 1; characters 0 to 4)"},
      {"stats count(*) by bin(1h) offset 1h", "Brume's stats has no offset (line 1, position 27; characters 26 to 32)"},
      {"limit 3 | filter a", "filter has to come before limit (line 1, position 11; characters 10 to 16)"},
      {"dedup a | fields b",
       "Only limit may come after dedup; put fields before it (line 1, position 11; characters 10 to 16)"},
      {"limit 10001", "limit takes a whole number from 1 to 10000 (line 1, position 7; characters 6 to 11)"},
      {"limit 0", "limit takes a whole number from 1 to 10000 (line 1, position 7; characters 6 to 7)"},
      {"limit", "The query ends where a number of rows is expected (line 1, position 6; characters 5 to 5)"},
      {"stats count(*) | limit any 3",
       "'limit any' is for records as they are found: without stats and dedup (line 1, position 29; "
       "characters 28 to 28)"},
      {"parse @message 'a=*, b=*' as a",
       "The text has 2 stars, but 1 names are given (line 1, position 16; characters 15 to 25)"},
      {"parse @message /a=(.*)/",
       "The regular expression names no field; write a group as (?<name>...) (line 1, position 16; "
       "characters 15 to 23)"},
      {"parse @message logfmt",
       "Brume's parse takes a text with stars or a regular expression; it has no logfmt and csv (line 1, "
       "position 16; characters 15 to 21)"},
      {"fields a as x | parse @message 'a*' as x",
       "The field 'x' is given twice; choose another name (line 1, position 40; "
       "characters 39 to 40)"},
      {"fields `a", "A name in backticks has to have characters and to end (line 1, position 8; characters 7 to 9)"},
      {"fields a..b", "A part of this name is empty (line 1, position 8; characters 7 to 11)"},
  };
  for (const auto& [text, sentence] : cases) EXPECT_EQ(error_of(text), sentence) << text;
  EXPECT_EQ(Query::parse("x", Timestamp()).error().code, "MalformedQueryException");
}

TEST(InsightsParser, BoundsWhatAQueryMayBe) {
  EXPECT_TRUE(error_of("fields " + std::string(100, '(') + "1" + std::string(100, ')'))
                  .starts_with("The expression is nested"));
  EXPECT_TRUE(error_of("filter " + std::string(100, '-') + "1").starts_with("The expression is nested"));
  std::string sum = "1", many = "a = 0", dots = "a";
  for (int i = 0; i < 300; ++i) {
    sum += "+1";
    many += fmt::format(" or a = {}", i);
    dots += ".a";
  }
  EXPECT_TRUE(error_of("fields " + sum).starts_with("The expression has more than 256 terms"));
  EXPECT_EQ(error_of("filter " + many), "no error");
  EXPECT_TRUE(error_of("filter " + dots).starts_with("A name has at most 64 parts"));
  EXPECT_EQ(error_of("fields " + std::string(10'000, 'a')), "The query is 10007 characters long; 10000 are the most");
}

TEST(InsightsParser, TakesWhatTheGuideWrites) {
  for (const char* text :
       {"fields @timestamp, @message | sort @timestamp desc | limit 25",
        "fields `foo-bar`, action, abs(f3-f4)",
        "fields f1, f2, f3 | filter (duration>2000)",
        "fields f1 | filter statusCode like /2\\d\\d/",
        "fields @timestamp, @message | filter statusCode in [300,400,500]",
        "fields @timestamp, @message | filter Type not in [\"foo\",\"bar\",1]",
        "stats avg (f1) by f2",
        "sort @timestamp desc | limit 25 | display f1, f2",
        "parse @message \"user=*, latency := *\" as @user, @latency | stats avg(@latency) by @user",
        "fields @timestamp, server, severity, message | sort @timestamp desc | dedup server",
        "fields concat(Operation, '-', StatusCode) as opStatus",
        "fields f1 | filter f1 =~ /^(?i)Exception$/",
        "filter toMillis(@timestamp) >= (now() * 1000 - 7200000)",
        "fields ispresent(resolverArn) as isRes",
        "| fields @message",
        "where @message like /error/",
        "display loggingMessage, loggingType = \"ERROR\" as isError",
        "stats sum(message_length) AS b, max(@timestamp) as @t BY @logStream | STATS avg(b) BY dateceil(@t, 5m)",
        "filter @message like /\\/path\\/a/",
        "filter a like /E*/",
        "fields a/b/c",
        "filter not ispresent(a)"})
    EXPECT_EQ(error_of(text), "no error") << text;
}

}  // namespace
}  // namespace brume::logs::insights
