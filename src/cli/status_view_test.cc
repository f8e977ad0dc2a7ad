#include "cli/status_view.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace brume::cli {
namespace {

StatusView web() {
  StatusView view;
  view.region = "ap-southeast-1";
  view.time = *parse_iso8601("2026-11-28T17:30:00Z");
  view.load_balancers = {{.name = "web",
                          .state = "active",
                          .address = "localhost",
                          .ports = {80},
                          .healthy = 1,
                          .targets = 2,
                          .requests_a_second = 12.34,
                          .errors_a_second = 0.5,
                          .average_ms = 1.2,
                          .p99_ms = 31}};
  view.groups = {{.name = "web-Group",
                  .min = 2,
                  .desired = 2,
                  .max = 6,
                  .refresh = RefreshLine{"r", "InProgress", "Waiting for instances to warm up.", 50},
                  .suspended = {"AZRebalance"},
                  .instances = {{.id = "i-0123456789abcdef0",
                                 .zone = "ap-southeast-1a",
                                 .type = "t3.micro",
                                 .address = "10.0.1.7",
                                 .state = "InService",
                                 .health = "Healthy",
                                 .version = "3",
                                 .cpu = 41.4,
                                 .targets = {"healthy"}},
                                {.id = "i-0123456789abcdef1",
                                 .zone = "ap-southeast-1b",
                                 .type = "t3.micro",
                                 .address = "10.0.2.7",
                                 .state = "Terminating",
                                 .health = "Unhealthy"}}}};
  view.alarms = {{"cpu-high", "ALARM", "Threshold Crossed: …", *parse_iso8601("2026-11-28T17:29:00Z")},
                 {"cpu-low", "OK", "", {}}};
  view.activities = {
      {"web-Group", *parse_iso8601("2026-11-28T17:28:00Z"), "Launching a new EC2 instance", "Successful"}};
  return view;
}

TEST(StatusText, SaysWhatServesAndWhatDoesNot) {
  EXPECT_EQ(
      to_text(web(), 400, false),
      "ap-southeast-1  17:30:00 UTC\n"
      "\n"
      "Load balancers\n"
      "  web  active  http://localhost/  targets 1 of 2 healthy  12 requests/s  average 1.2 ms  p99 31 ms  0.5 "
      "errors/s\n"
      "\n"
      "web-Group  1 of 2 in service  (min 2, max 6)\n"
      "  refresh InProgress  50 %  Waiting for instances to warm up.\n"
      "  suspended: AZRebalance\n"
      "  i-0123456789abcdef0  ap-southeast-1a InService    Healthy    t3.micro    10.0.1.7        cpu 41 %   v3   "
      " healthy\n"
      "  i-0123456789abcdef1  ap-southeast-1b Terminating  Unhealthy  t3.micro    10.0.2.7        cpu -\n"
      "\n"
      "Alarms\n"
      "  ALARM              cpu-high  since 17:29:00\n"
      "    Threshold Crossed: …\n"
      "  OK                 cpu-low\n"
      "\n"
      "Activities\n"
      "  17:28:00  Successful   web-Group: Launching a new EC2 instance\n");
}

TEST(StatusText, LinesAreCutAtTheWidth) {
  const std::string text = to_text(web(), 50, false);
  for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    EXPECT_LE(end - begin, 50u) << text.substr(begin, end - begin);
}

TEST(StatusText, ColoursTakeNoRoom) {
  std::string coloured = to_text(web(), 80, true);
  EXPECT_NE(coloured.find("\033[31mUnhealthy"), std::string::npos);
  EXPECT_EQ(coloured.find("mhealthy"), std::string::npos) << "what is well has no colour";
  for (std::size_t at = 0; (at = coloured.find('\033')) != std::string::npos;)
    coloured.erase(at, coloured.find('m', at) - at + 1);
  EXPECT_EQ(coloured, to_text(web(), 80, false));
}

TEST(StatusText, AnEmptyRegionSaysWhatToDo) {
  StatusView view;
  view.region = "eu-west-1";
  EXPECT_NE(to_text(view, 80, false).find("brume up"), std::string::npos);
}

TEST(StatusJson, HasAllOfIt) {
  const std::string text = to_json(web());
  const auto read = from_json<StatusView>(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(to_json(*read), text);
  EXPECT_EQ(read->groups.at(0).instances.at(0).cpu, 41.4);
}

}  // namespace
}  // namespace brume::cli
