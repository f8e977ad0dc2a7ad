#include "lb/forward.h"

#include <gtest/gtest.h>

namespace brume::lb {
namespace {

constexpr const char* kRoot = "1-67891233-abcdef012345678912345678";

ForwardSettings settings() {
  return {.listener_port = 80,
          .client = "10.0.0.9",
          .proto_fields = "X-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\n",
          .trace_root = kRoot};
}

std::string forward(const std::string& text, const ForwardSettings& with, bool upgrade = false) {
  RequestParser parser;
  EXPECT_EQ(parser.parse(text.data(), text.size()), HeadResult::complete) << text;
  std::string out;
  write_request_head(parser.head(), text.data(), with, upgrade, out);
  return out;
}

const std::string kTail = std::string("X-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\n") +
                          "X-Amzn-Trace-Id: Root=" + kRoot + "\r\n\r\n";

TEST(Forward, RequestHeads) {
  struct Case {
    const char* name;
    std::string in, out;
  };
  const Case cases[] = {
      {"plain", "GET /a?b HTTP/1.0\r\nHost: h\r\nA: 1\r\nB: 2\r\n\r\n", "GET /a?b HTTP/1.1\r\nA: 1\r\nB: 2\r\nHost: h\r\n" + kTail},
      {"hop-by-hop",
       "GET / HTTP/1.1\r\nHost: h\r\nConnection: X-Drop, Host, close\r\nX-Drop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
       "Upgrade: h2c\r\nX-Stay: 1\r\n\r\n",
       "GET / HTTP/1.1\r\nX-Stay: 1\r\nHost: h\r\n" + kTail},
      {"absolute target", "GET http://other:80?q HTTP/1.1\r\nHost: h\r\n\r\n", "GET /?q HTTP/1.1\r\nHost: other\r\n" + kTail},
      {"first host", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n" + kTail},
      {"forged forwarding fields", "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\n\r\n",
       "GET / HTTP/1.1\r\nHost: h\r\n" + kTail},
      {"chunked stays", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
       "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nHost: h\r\n" + kTail},
  };
  for (const auto& test : cases) EXPECT_EQ(forward(test.in, settings()), test.out) << test.name;
}

TEST(Forward, ForwardedForModes) {
  const std::string in = "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1\r\nx-forwarded-for: 2.2.2.2, 3.3.3.3\r\n\r\n";
  auto with = settings();
  EXPECT_NE(forward(in, with).find("X-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3, 10.0.0.9\r\n"), std::string::npos);
  with.xff_mode = XffMode::preserve;
  const std::string preserved = forward(in, with);
  EXPECT_NE(preserved.find("X-Forwarded-For: 1.1.1.1\r\nx-forwarded-for: 2.2.2.2, 3.3.3.3\r\n"), std::string::npos);
  EXPECT_EQ(preserved.find("10.0.0.9"), std::string::npos);
  with.xff_mode = XffMode::remove;
  EXPECT_EQ(forward(in, with).find("orwarded-for"), std::string::npos);
  EXPECT_EQ(forward(in, with).find("X-Forwarded-For"), std::string::npos);

  RequestParser parser;
  ASSERT_EQ(parser.parse(in.data(), in.size()), HeadResult::complete);
  EXPECT_EQ(count_forwarded_for(parser.head(), in.data()), 3);
  EXPECT_EQ(forwarded_for("10.0.0.1", true, 99, false), "10.0.0.1");
  EXPECT_EQ(forwarded_for("10.0.0.1", true, 99, true), "10.0.0.1:99");
  EXPECT_EQ(forwarded_for("fd00::1", false, 99, true), "[fd00::1]:99");
}

TEST(Forward, Hosts) {
  struct Case {
    std::int32_t port;
    bool preserve;
    const char *sent, *expected;
  };
  for (const auto& test : {Case{80, false, "h:80", "Host: h\r\n"}, {80, false, "h:8080", "Host: h:8080\r\n"},
                           {8080, false, "h", "Host: h:8080\r\n"}, {8080, false, "h:8080", "Host: h:8080\r\n"},
                           {8080, true, "h", "Host: h\r\n"}, {80, true, "h:80", "Host: h:80\r\n"},
                           {8080, false, "[::1]", "Host: [::1]:8080\r\n"}}) {
    auto with = settings();
    with.listener_port = test.port;
    with.preserve_host_header = test.preserve;
    const std::string out = forward(std::string("GET / HTTP/1.1\r\nHost: ") + test.sent + "\r\n\r\n", with);
    EXPECT_NE(out.find(test.expected), std::string::npos) << out;
  }
}

TEST(Forward, InvalidNamesCanBeDropped) {
  auto with = settings();
  const std::string in = "GET / HTTP/1.1\r\nHost: h\r\nA_b: 1\r\nA-c: 2\r\n\r\n";
  EXPECT_NE(forward(in, with).find("A_b: 1"), std::string::npos);
  with.drop_invalid_header_fields = true;
  EXPECT_EQ(forward(in, with).find("A_b"), std::string::npos);
  EXPECT_NE(forward(in, with).find("A-c: 2"), std::string::npos);
}

TEST(Forward, Upgrade) {
  const std::string in = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n";
  EXPECT_TRUE(forward(in, settings(), true).ends_with("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
}

TEST(Forward, TraceIds) {
  const std::string root = kRoot;
  const std::pair<std::string, std::string> cases[] = {
      {"", "Root=" + root},
      {"Root=1-a-b", "Self=" + root + ";Root=1-a-b"},
      {"Root=1-a-b;CalledFrom=app", "Self=" + root + ";Root=1-a-b;CalledFrom=app"},
      {"Self=1-x-y;Root=1-a-b; Sampled=1", "Self=" + root + ";Root=1-a-b;Sampled=1"},
      {"CalledFrom=app", "Root=" + root + ";CalledFrom=app"},
      {std::string(7200, 'a'), "Root=" + root}};
  for (const auto& [in, out] : cases) EXPECT_EQ(trace_id(in, kRoot), out);
}

TEST(Forward, ResponseHeads) {
  struct Case {
    const char* in;
    Afterwards afterwards;
    bool drop_chunked;
    const char* out;
  };
  const Case cases[] = {
      {"HTTP/1.1 200 OK\r\nServer: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n", Afterwards::keep_alive, false,
       "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n"},
      {"HTTP/1.0 404\r\nKeep-Alive: 5\r\n\r\n", Afterwards::close, false, "HTTP/1.1 404 \r\nConnection: close\r\n\r\n"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n", Afterwards::close, true,
       "HTTP/1.1 200 OK\r\nA: b\r\nConnection: close\r\n\r\n"},
      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", Afterwards::upgrade, false,
       "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
  };
  for (const auto& test : cases) {
    const std::string in = test.in;
    ResponseParser parser;
    ASSERT_EQ(parser.parse(in.data(), in.size()), HeadResult::complete);
    std::string out;
    write_response_head(parser.head(), in.data(), test.afterwards, test.drop_chunked, out);
    EXPECT_EQ(out, test.out);
  }
}

}  // namespace
}  // namespace brume::lb
