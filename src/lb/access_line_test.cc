#include "lb/access_line.h"

#include <gtest/gtest.h>

namespace brume::lb {
namespace {

// 2018-07-02T22:23:00.186641Z
constexpr std::int64_t kTime = 1530570180186641;

AccessRecord forwarded() {
  return {.time = kTime,
          .creation = kTime - 11'822'641,
          .balancer = "app/my-loadbalancer/50dc6c495c0c9188",
          .client = "192.168.131.39:2817",
          .connection = "TID_1234abcd5678ef90",
          .target = "10.0.0.1:80",
          .request_time = 999,
          .target_time = 1'999,
          .response_time = 0,
          .status = 200,
          .target_status = 200,
          .received = 34,
          .sent = 366,
          .request = "GET http://www.example.com:80/ HTTP/1.1",
          .user_agent = "curl/7.46.0",
          .target_group = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067",
          .trace = "Root=1-58337262-36d228ad5d99923122bbe354",
          .rule = 0,
          .action = "forward"};
}

std::string line_of(const AccessRecord& record) {
  std::string out;
  AccessLines().append(record, out);
  return out;
}

// The user guide's example of an HTTP entry, and what other entries differ in.
TEST(AccessLine, Entries) {
  struct Case {
    const char* what;
    void (*change)(AccessRecord&);
    const char* line;
  };
  const Case cases[] = {
      {"forwarded", [](AccessRecord&) {},
       "http 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.000 "
       "0.001 0.000 200 200 34 366 \"GET http://www.example.com:80/ HTTP/1.1\" \"curl/7.46.0\" - - "
       "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "
       "\"Root=1-58337262-36d228ad5d99923122bbe354\" \"-\" \"-\" 0 2018-07-02T22:22:48.364000Z \"forward\" \"-\" \"-\" "
       "\"10.0.0.1:80\" \"200\" \"-\" \"-\" TID_1234abcd5678ef90 \"-\" \"-\" \"-\"\n"},
      {"malformed",
       [](AccessRecord& r) {
         r = {.time = kTime,
              .creation = kTime,
              .balancer = "app/a/1",
              .client = "::1:99",
              .connection = "TID_1",
              .status = 400,
              .received = 7,
              .sent = 300,
              .request = "- - -"};
       },
       "http 2018-07-02T22:23:00.186641Z app/a/1 ::1:99 - -1 -1 -1 400 - 7 300 \"- - -\" \"-\" - - - \"-\" \"-\" \"-\" "
       "- "
       "2018-07-02T22:23:00.186641Z \"-\" \"-\" \"-\" \"-\" \"-\" \"-\" \"-\" TID_1 \"-\" \"-\" \"-\"\n"},
      {"redirected, by a client who writes what he should not",
       [](AccessRecord& r) {
         r = {.time = kTime,
              .creation = kTime,
              .balancer = "app/a/1",
              .client = "1.2.3.4:5",
              .connection = "TID_1",
              .status = 301,
              .request = "GET http://h:80/\"a HTTP/1.1",
              .user_agent = "a\" \"b\nc\xff\\",
              .trace = "Root=1-1-1",
              .rule = 7,
              .action = "redirect",
              .redirect_url = "https://h:443/"};
       },
       "http 2018-07-02T22:23:00.186641Z app/a/1 1.2.3.4:5 - -1 -1 -1 301 - 0 0 \"GET http://h:80/\\x22a HTTP/1.1\" "
       "\"a\\x22 \\x22b\\x0Ac\\xFF\\\" - - - \"Root=1-1-1\" \"-\" \"-\" 7 2018-07-02T22:23:00.186641Z \"redirect\" "
       "\"https://h:443/\" \"-\" \"-\" \"-\" \"-\" \"-\" TID_1 \"-\" \"-\" \"-\"\n"},
  };
  for (const Case& one : cases) {
    AccessRecord record = forwarded();
    one.change(record);
    EXPECT_EQ(line_of(record), one.line) << one.what;
  }
}

TEST(AccessLine, ALongUserAgentIsCut) {
  AccessRecord record = forwarded();
  record.user_agent.assign(10'000, 'x');
  const std::string line = line_of(record);
  EXPECT_NE(line.find('"' + std::string(8192, 'x') + '"'), std::string::npos);
}

TEST(AccessLine, EachTimeHasItsOwnSecond) {
  AccessLines lines;
  std::string out;
  AccessRecord record = forwarded();
  for (int i = 0; i < 3; ++i, record.time += 1'000'000) lines.append(record, out);
  EXPECT_NE(out.find("http 2018-07-02T22:23:02.186641Z"), std::string::npos);
}

}  // namespace
}  // namespace brume::lb
