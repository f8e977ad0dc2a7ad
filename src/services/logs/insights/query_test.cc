// Commands: what rows come out, in what order, with which columns.
#include "services/logs/insights/insights_test.h"

namespace brume::logs::insights {
namespace {

const std::vector<std::string> kLines = {
    "25 May 2019 10:24:39,474 [ERROR] {foo=2, bar=data} The error was: DataIntegrityException",
    "25 May 2019 10:24:40,474 [INFO] {foo=3} ok", "25 May 2019 10:24:41,474 [ERROR] {foo=4} The error was: Timeout"};

TEST(InsightsQuery, NewestFirstWithTimeAndMessageUnlessFieldsAreNamed) {
  EXPECT_EQ(answer("limit 1", kLines), "@timestamp=2019-05-25 10:24:41.474 @message=" + kLines[2]);
  EXPECT_EQ(answer("fields @logStream, @log | limit 1", kLines), "@logStream=stream @log=123456789012:group");
  EXPECT_EQ(answer("filter @message like /INFO/", kLines), "@timestamp=2019-05-25 10:24:40.474 @message=" + kLines[1]);
  EXPECT_EQ(answer("fields strlen(@message) as l | fields l*2 | sort @timestamp asc | limit 2", kLines),
            "l=88 l*2=176; l=42 l*2=84");
  EXPECT_EQ(answer("fields @message | display strlen(@message) as l, l > 50 | limit 1", kLines), "l=63 l > 50=1");
}

TEST(InsightsQuery, EndsRowsOfRecordsWithTheirPointer) {
  QueryRun run(query("fields none, @logStream | limit 1"));
  add(run, events({"a"}));
  EXPECT_EQ(run.rows()->at(0), (Row{{"@logStream", "stream"}, {"@ptr", "p"}}));
  QueryRun counted(query("stats count(*)"));
  add(counted, events({"a"}));
  EXPECT_EQ(counted.rows()->at(0), (Row{{"count(*)", "1"}}));
}

TEST(InsightsQuery, ParseAddsItsFields) {
  const std::string glob = "parse @message \"[*] * The error was: *\" as level, config, exception";
  const std::string regex =
      R"(parse @message /\[(?<level>\S+)\]\s+(?<config>\{.*\})\s+The error was: (?<exception>\S+)/)";
  for (const std::string& parse : {glob, regex}) {
    EXPECT_EQ(answer(parse + " | sort @timestamp", kLines),
              "level=ERROR config={foo=2, bar=data} exception=DataIntegrityException; ; "
              "level=ERROR config={foo=4} exception=Timeout")
        << parse;
  }
  EXPECT_EQ(answer("fields @message | parse @message \"[*] *\" as loggingType, loggingMessage"
                   "| filter loggingType = \"ERROR\" | display loggingMessage | limit 1",
                   kLines),
            "loggingMessage={foo=4} The error was: Timeout");
  EXPECT_EQ(answer("parse \"foo=*}\" as foo | filter foo > 3 | display foo", kLines), "foo=4");
  EXPECT_EQ(answer("parse @message \"{*}\" as all | parse all \"foo=*\" as foo | display foo | limit 1", kLines),
            "foo=4");
  EXPECT_EQ(answer("parse @message /foo=(?<a>2)?(?<b>\\d)?/ | sort @timestamp asc | limit 2", kLines), "a=2; b=3");
}

TEST(InsightsQuery, SortsByEachKeyInItsOrder) {
  const std::vector<std::string> messages = {R"({"a":2,"b":"x"})", R"({"a":10,"b":"y"})", R"({"b":"x","a":9})",
                                             R"({"b":"z"})"};
  EXPECT_EQ(answer("fields a, b | sort b desc, a", messages), "b=z; a=10 b=y; a=2 b=x; a=9 b=x");
  EXPECT_EQ(answer("fields a | sort a desc | limit 2", messages), "a=10; a=9");
  EXPECT_EQ(answer("fields a, b | sort a asc | sort b asc", messages), "a=2 b=x; a=9 b=x; a=10 b=y; b=z");
}

TEST(InsightsQuery, DedupKeepsTheFirstInOrder) {
  const std::vector<std::string> messages = {R"({"server":"a","n":1})", R"({"server":"b","n":2})", R"({"n":3})",
                                             R"({"server":"a","n":4})", R"({"n":5})"};
  EXPECT_EQ(answer("fields n | dedup server", messages), "n=5; n=4; n=3; n=2");
  EXPECT_EQ(answer("fields n | sort n asc | dedup server | limit 3", messages), "n=1; n=2; n=3");
  EXPECT_EQ(answer("fields n | sort n desc | dedup server | limit 1", messages), "n=5");
}

TEST(InsightsQuery, NamesTakeBackticksDotsAndASecondAt) {
  const std::vector<std::string> messages = {R"({"foo-bar": 1, "a": {"b-c": [{"d": 2}]}, "@x": 3, "in": 4})"};
  EXPECT_EQ(answer("fields `foo-bar`, a.`b-c`[0].d, @@x, @x, `in`", messages), "foo-bar=1 a.b-c.0.d=2 @@x=3 in=4");
  EXPECT_EQ(answer("# all of it\nFIELDS @@x # the third\n| FILTER `foo-bar` IN [1]\n# | limit 5\n| Limit 20", messages),
            "@@x=3");
}

TEST(InsightsQuery, FindsFieldsOfFlowLogs) {
  const std::vector<std::string> records = {
      "2 123456789012 eni-1 10.0.0.1 10.0.1.1 443 50000 6 10 840 1558779879 1558779939 ACCEPT OK",
      "2 123456789012 eni-1 10.0.0.2 10.0.1.1 53 50001 17 2 160 1558779879 1558779939 REJECT OK",
      "2 123456789012 eni-1 10.0.0.1 10.0.1.1 443 50002 6 5 400 1558779879 1558779939 ACCEPT OK",
      "2 123456789012 eni-2 - - - - - - - 1558779879 1558779939 - SKIPDATA"};
  EXPECT_EQ(
      answer("stats sum(packets) as packetsTransferred by srcAddr, dstAddr | sort packetsTransferred desc | limit 2",
             records),
      "srcAddr=10.0.0.1 dstAddr=10.0.1.1 packetsTransferred=15; srcAddr=10.0.0.2 dstAddr=10.0.1.1 "
      "packetsTransferred=2");
  EXPECT_EQ(answer("filter protocol=17 | stats count(*) by srcAddr", records), "srcAddr=10.0.0.2 count(*)=1");
  EXPECT_EQ(answer("filter logStatus=\"SKIPDATA\" | stats count(*) by bin(1h) as t | sort t", records),
            "t=2019-05-25 10:00:00.000 count(*)=1");
  EXPECT_EQ(answer("filter isIpv4InSubnet(srcAddr, \"10.0.0.0/30\") | stats sum(bytes) as b by dstAddr", records),
            "dstAddr=10.0.1.1 b=1400");
  EXPECT_EQ(answer("parse @message /(?<NetworkInterface>eni-.*?) / | display NetworkInterface | limit 1", records),
            "NetworkInterface=eni-2");
}

TEST(InsightsQuery, FindsFieldsOfLambdaReports) {
  const std::vector<std::string> lines = {"START RequestId: r-1 Version: $LATEST\n", "END RequestId: r-1\n",
                                          "REPORT RequestId: r-1\tDuration: 76.62 ms\tBilled Duration: 100 ms\tMemory "
                                          "Size: 128 MB\tMax Memory Used: 67 MB\t\n",
                                          "REPORT RequestId: r-2\tDuration: 12.5 ms\tBilled Duration: 100 ms\tMemory "
                                          "Size: 128 MB\tMax Memory Used: 71 MB\tInit Duration: 1.5 ms\t\n"};
  EXPECT_EQ(answer("filter @type = \"REPORT\""
                   "| stats max(@memorySize / 1024 / 1024) as provisonedMemoryMB,"
                   "    min(@maxMemoryUsed / 1024 / 1024) as smallestMemoryRequestMB,"
                   "    avg(@maxMemoryUsed / 1024 / 1024) as avgMemoryUsedMB,"
                   "    max(@maxMemoryUsed / 1024 / 1024) as maxMemoryUsedMB,"
                   "    provisonedMemoryMB - maxMemoryUsedMB as overProvisionedMB",
                   lines),
            "provisonedMemoryMB=122.0703 smallestMemoryRequestMB=63.8962 avgMemoryUsedMB=65.8035 "
            "maxMemoryUsedMB=67.7109 overProvisionedMB=54.3594");
  EXPECT_EQ(
      answer("filter @type = \"REPORT\" | fields @requestId, @billedDuration, @initDuration | sort by_none, @requestId",
             lines),
      "@requestId=r-1 @billedDuration=100; @requestId=r-2 @billedDuration=100 @initDuration=1.5");
  EXPECT_EQ(
      answer("filter @type = \"REPORT\" | stats avg(@duration), max(@duration), min(@duration) by bin(5m)", lines),
      "bin(5m)=2019-05-25 10:20:00.000 avg(@duration)=44.56 max(@duration)=76.62 min(@duration)=12.5");
}

TEST(InsightsQuery, FindsFieldsOfCloudTrail) {
  const std::vector<std::string> lines = {
      R"({"eventSource":"ec2.amazonaws.com","eventName":"StartInstances","awsRegion":"us-east-2","requestParameters":{"instancesSet":{"items":[{"instanceId":"i-abcde123"}]}}})",
      R"({"eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1","requestParameters":{"userName":"Alice"},"responseElements":{"user":{"arn":"arn:aws:iam::1:user/Alice"}}})",
      R"({"eventSource":"ec2.amazonaws.com","eventName":"StopInstances","awsRegion":"us-east-1","errorCode":"X","errorMessage":"m"})"};
  EXPECT_EQ(answer("filter (eventName=\"StartInstances\" or eventName=\"StopInstances\") and awsRegion=\"us-east-2\""
                   "| fields requestParameters.instancesSet.items.0.instanceId",
                   lines),
            "requestParameters.instancesSet.items.0.instanceId=i-abcde123");
  EXPECT_EQ(
      answer(
          "filter eventName=\"CreateUser\" | fields awsRegion, requestParameters.userName, responseElements.user.arn",
          lines),
      "awsRegion=us-east-1 requestParameters.userName=Alice responseElements.user.arn=arn:aws:iam::1:user/Alice");
  EXPECT_EQ(answer("stats count(*) by eventSource, eventName, awsRegion | limit 1", lines),
            "eventSource=ec2.amazonaws.com eventName=StartInstances awsRegion=us-east-2 count(*)=1");
  EXPECT_EQ(answer("filter ispresent(errorCode) | stats count(*) by errorCode, errorMessage", lines),
            "errorCode=X errorMessage=m count(*)=1");
}

TEST(InsightsQuery, LooksForNeedlesWithoutMissingEscapedText) {
  EXPECT_EQ(query("filter @message like /time.*Exception: x/ and @message like 'ab'").needle(), "Exception: x");
  EXPECT_EQ(query("filter level = 'ERROR'").needle(), "");
  EXPECT_EQ(query("filter @message like 'a' or @message like 'b'").needle(), "");
  EXPECT_EQ(query("filter @message not like 'a'").needle(), "");
  EXPECT_EQ(query("stats count(*) as c | filter c like '1'").needle(), "");
  const std::vector<std::string> lines = {R"({"level":"ERROR"})", R"({"level":"\u0045RROR"})", R"({"level":"INFO"})"};
  EXPECT_EQ(answer("filter level = 'ERROR' | stats count(*)", lines), "count(*)=2");
  EXPECT_EQ(answer("filter level = 'ERROR' and @message like 'level' | stats count(*)", lines), "count(*)=2");
}

TEST(InsightsQuery, SaysWhenItHasEnough) {
  EXPECT_TRUE(query("fields @message | limit 2").newest_first_and_bounded());
  EXPECT_TRUE(query("sort @timestamp desc").newest_first_and_bounded());
  EXPECT_TRUE(query("sort @timestamp asc | limit any 3").newest_first_and_bounded());
  for (const char* text : {"sort @timestamp", "sort a, @timestamp desc", "dedup a", "stats count(*)"})
    EXPECT_FALSE(query(text).newest_first_and_bounded()) << text;

  QueryRun run(query("filter @message like 'x' | limit 2"));
  EXPECT_TRUE(run.add({30, 0, "x1", "", "", ""}));
  EXPECT_TRUE(run.add({29, 0, "y", "", "", ""}));
  EXPECT_FALSE(run.add({28, 0, "x2", "", "", ""}));
  EXPECT_EQ(run.statistics().scanned, 3U);
  EXPECT_EQ(run.statistics().matched, 2U);
  EXPECT_EQ(run.statistics().bytes, 5U);

  // Not newest first: what comes is judged all the same.
  QueryRun other(query("fields @message | limit 2"));
  EXPECT_TRUE(other.add({10, 0, "a", "", "", ""}));
  EXPECT_TRUE(other.add({20, 0, "b", "", "", ""}));
  EXPECT_FALSE(other.add({5, 0, "c", "", "", ""}));
  EXPECT_TRUE(other.add({30, 0, "d", "", "", ""}));
  EXPECT_EQ(text_of(other.rows()), "@message=d; @message=b");

  QueryRun any(query("fields @message | limit any 1"));
  EXPECT_FALSE(any.add({1, 0, "a", "", "", ""}));
  EXPECT_EQ(QueryRun(query("limit 500"), 20).rows()->size(), 0U);
}

TEST(InsightsQuery, LimitIsTheSmallerOfTheQueryAndTheCall) {
  std::vector<std::string> lines(30, "x");
  QueryRun run(query("fields @message | limit 20"), 5);
  add(run, events(lines));
  EXPECT_EQ(run.rows()->size(), 5U);
  EXPECT_EQ(query("fields a").limit(), 10'000U);
  EXPECT_EQ(query("limit 7 | limit 9").limit(), 7U);
}

TEST(InsightsQuery, RunsOfPartsMergeToTheWhole) {
  std::vector<std::string> lines;
  for (int i = 0; i < 60; ++i)
    lines.push_back(fmt::format(R"({{"n":{},"k":"k{}","s":"{}"}})", i * 7 % 60, i % 3, i % 11));
  for (const char* text :
       {"fields n | sort n desc | limit 7", "fields n, k | sort n | dedup k", "fields n | limit 9",
        "stats count(*), sum(n), avg(n), min(n), max(n), stddev(n), pct(n, 90) by k",
        "stats count_distinct(s), earliest(n), latest(n), sortsFirst(s), sortsLast(s) by k",
        "stats count(*) as c by k, s | stats max(c), count(*) by k", "filter n > 30 | stats count(*) by bin(10s)"}) {
    const Query parsed = query(text);
    const std::vector<Event> all = events(lines);
    QueryRun whole(parsed), first(parsed), second(parsed);
    add(whole, all);
    add(first, {all.begin(), all.begin() + 25});
    add(second, {all.begin() + 25, all.end()});
    first.merge(std::move(second));
    EXPECT_EQ(text_of(first.rows()), text_of(whole.rows())) << text;
    EXPECT_EQ(first.statistics().matched, whole.statistics().matched) << text;
  }
}

TEST(InsightsQuery, BoundsSayWhatToDo) {
  QueryRun run(query("stats count(*) by n"), 0, {.groups = 2});
  const std::vector<Event> all = events({R"({"n":1})", R"({"n":2})", R"({"n":1})", R"({"n":3})"});
  add(run, all);
  EXPECT_EQ(
      text_of(run.rows()),
      "LimitExceededException: The stats command has more than 2 groups; group by fewer or coarser values, or filter "
      "before");
  EXPECT_FALSE(run.add({0, 0, "{}", "", "", ""}));
  QueryRun wide(query("fields @message"), 0, {.bytes = 1 << 20});
  const std::string message(700'000, 'x');
  EXPECT_TRUE(wide.add({2, 0, message, "", "", ""}));
  EXPECT_FALSE(wide.add({1, 0, message, "", "", ""}));
  EXPECT_EQ(wide.rows().error().message,
            "The rows of the result take more than 1 MiB; show fewer fields, or set a lower limit");
  QueryRun kept(query("stats latest(@message) by @timestamp"), 0, {.bytes = 1 << 20});
  EXPECT_TRUE(kept.add({2, 0, message, "", "", ""}));
  EXPECT_FALSE(kept.add({1, 0, message, "", "", ""}));
  EXPECT_TRUE(kept.rows().error().message.starts_with("The groups of the stats command take more than 1 MiB"));
  QueryRun merged(query("stats count(*) by n"), 0, {.groups = 2}), other(query("stats count(*) by n"));
  add(merged, {all[0], all[1]});
  add(other, {all[3]});
  merged.merge(std::move(other));
  EXPECT_FALSE(merged.rows());
}

}  // namespace
}  // namespace brume::logs::insights
