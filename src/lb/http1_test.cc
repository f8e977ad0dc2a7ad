#include "lb/http1.h"

#include <gtest/gtest.h>

#include <string>

#include "lb/framing.h"

namespace brume::lb {
namespace {

HeadResult parse(RequestParser& parser, const std::string& text) { return parser.parse(text.data(), text.size()); }

TEST(Http1, RequestHeads) {
  const std::string big(17 * 1024, 'a');
  struct Case {
    std::string text;
    HeadResult expected;
  };
  const std::string host = "Host: h\r\n";
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 5; ++i) many += "X-" + std::to_string(i) + ": " + std::string(14000, 'v') + "\r\n";
  const Case cases[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", HeadResult::complete},
      {"\r\nGET / HTTP/1.1\r\n\r\n", HeadResult::complete},
      {"\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", HeadResult::malformed},
      {"GET / HTTP/1.0\r\n\r\n", HeadResult::complete},
      {"GET / HTTP/1.1\r\nHost: a\r\n", HeadResult::incomplete},
      {"GET / HTTP/1.1\nHost: a\n\n", HeadResult::malformed},
      {"GET / HTTP/1.1\r\nHost: a\n\r\n", HeadResult::malformed},
      {"GET / HTTP/2.0\r\n\r\n", HeadResult::version_not_supported},
      {"GET / HTTP/1.2\r\n\r\n", HeadResult::version_not_supported},
      {"GET / HTTP/11\r\n\r\n", HeadResult::malformed},
      {"GET / http/1.1\r\n\r\n", HeadResult::malformed},
      {"GET /\r\n\r\n", HeadResult::malformed},
      {" GET / HTTP/1.1\r\n\r\n", HeadResult::malformed},
      {"G(T / HTTP/1.1\r\n\r\n", HeadResult::malformed},
      {"GET  / HTTP/1.1\r\n\r\n", HeadResult::malformed},
      {"GET /a b HTTP/1.1\r\n\r\n", HeadResult::malformed},
      {"GET /\x80 HTTP/1.1\r\n\r\n", HeadResult::malformed},
      {"GET /#f HTTP/1.1\r\n\r\n", HeadResult::malformed},
      {"GET * HTTP/1.1\r\n\r\n", HeadResult::malformed},
      {"OPTIONS * HTTP/1.1\r\n\r\n", HeadResult::complete},
      {"CONNECT a:443 HTTP/1.1\r\n\r\n", HeadResult::malformed},
      {"GET http://h/x HTTP/1.1\r\n\r\n", HeadResult::complete},
      {"GET http://u@h/x HTTP/1.1\r\n\r\n", HeadResult::malformed},
      {"GET http:///x HTTP/1.1\r\n\r\n", HeadResult::malformed},
      {"GET / HTTP/1.1\r\nA : b\r\n\r\n", HeadResult::malformed},
      {"GET / HTTP/1.1\r\n: b\r\n\r\n", HeadResult::malformed},
      {"GET / HTTP/1.1\r\nA b\r\n\r\n", HeadResult::malformed},
      {"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", HeadResult::malformed},
      {std::string("GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", 27), HeadResult::malformed},
      {"GET / HTTP/1.1\r\nA: 12345678\x01" "2345\r\n\r\n", HeadResult::malformed},
      {"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", HeadResult::malformed},
      {"GET / HTTP/1.1\r\nA: caf\xc3\xa9, 1234567890\t~\r\n\r\n", HeadResult::complete},
      {"GET / HTTP/1.1\r\nConnection: a b\r\n\r\n", HeadResult::malformed},
      {"GET /" + big + " HTTP/1.1\r\n\r\n", HeadResult::line_too_long},
      {"GET /" + big, HeadResult::line_too_long},
      {"GET / HTTP/1.1\r\nA: " + big + "\r\n\r\n", HeadResult::too_large},
      {"GET / HTTP/1.1\r\nA: " + big, HeadResult::too_large},
      {many + "\r\n", HeadResult::too_large},
  };
  for (const auto& test : cases) {
    RequestParser whole, bytewise;
    EXPECT_EQ(parse(whole, test.text), test.expected) << test.text.substr(0, 60);
    if (test.text.size() > 1000) continue;
    HeadResult result = HeadResult::incomplete;
    for (std::size_t size = 1; size <= test.text.size() && result == HeadResult::incomplete; ++size) {
      const std::string part = test.text.substr(0, size);
      result = bytewise.parse(part.data(), part.size());
    }
    EXPECT_EQ(result, test.expected) << test.text;
  }
}

TEST(Http1, RequestParts) {
  const std::string text = "POST http://up.example:81/p/q?a=b HTTP/1.1\r\nhOsT:  h \r\nConnection: close, X-Drop\r\nX_y:\r\n\r\nrest";
  RequestParser parser;
  ASSERT_EQ(parse(parser, text), HeadResult::complete);
  const auto& head = parser.head();
  EXPECT_EQ(head.method.in(text.data()), "POST");
  EXPECT_EQ(head.authority.in(text.data()), "up.example:81");
  EXPECT_EQ(head.path.in(text.data()), "/p/q");
  EXPECT_EQ(head.query.in(text.data()), "a=b");
  EXPECT_EQ(head.find(Name::host)->value.in(text.data()), "h");
  EXPECT_TRUE(head.connection.close);
  EXPECT_TRUE(head.connection_names(text.data(), "x-drop"));
  EXPECT_FALSE(head.fields[2].plain);
  EXPECT_EQ(text.substr(head.size), "rest");
}

TEST(Http1, KnownNames) {
  const std::pair<const char*, Name> cases[] = {
      {"Connection", Name::connection}, {"Content-Length", Name::content_length}, {"EXPECT", Name::expect},
      {"Host", Name::host}, {"Keep-Alive", Name::keep_alive}, {"Proxy-Connection", Name::proxy_connection},
      {"TE", Name::te}, {"Transfer-Encoding", Name::transfer_encoding}, {"Upgrade", Name::upgrade},
      {"X-Amzn-Trace-Id", Name::x_amzn_trace_id}, {"x-forwarded-for", Name::x_forwarded_for},
      {"X-Forwarded-Port", Name::x_forwarded_port}, {"X-Forwarded-Proto", Name::x_forwarded_proto},
      {"X-Forwarded-Far", Name::other}, {"Hosts", Name::other}};
  for (const auto& [name, known] : cases) {
    RequestParser parser;
    const std::string text = "GET / HTTP/1.1\r\n" + std::string(name) + ": 1\r\n\r\n";
    ASSERT_EQ(parse(parser, text), HeadResult::complete);
    EXPECT_EQ(parser.head().fields[0].known, known) << name;
  }
}

TEST(Framing, Requests) {
  struct Case {
    const char* version;
    const char* fields;
    BodyKind kind;
    std::uint64_t length;
    int error;
  };
  const Case cases[] = {
      {"1.1", "", BodyKind::none, 0, 0},
      {"1.1", "Content-Length: 12\r\n", BodyKind::length, 12, 0},
      {"1.1", "Content-Length: 0\r\n", BodyKind::length, 0, 0},
      {"1.1", "Content-Length: +1\r\n", BodyKind::none, 0, 400},
      {"1.1", "Content-Length: \r\n", BodyKind::none, 0, 400},
      {"1.1", "Content-Length: 1, 1\r\n", BodyKind::none, 0, 400},
      {"1.1", "Content-Length: 0x1\r\n", BodyKind::none, 0, 400},
      {"1.1", "Content-Length: 9999999999999999999\r\n", BodyKind::none, 0, 400},
      {"1.1", "Content-Length: 1\r\nContent-Length: 1\r\n", BodyKind::none, 0, 400},
      {"1.1", "Transfer-Encoding: chunked\r\n", BodyKind::chunked, 0, 0},
      {"1.1", "Transfer-Encoding: Chunked\r\n", BodyKind::chunked, 0, 0},
      {"1.1", "Transfer-Encoding: identity\r\n", BodyKind::none, 0, 0},
      {"1.1", "Transfer-Encoding: gzip\r\n", BodyKind::none, 0, 501},
      {"1.1", "Transfer-Encoding: gzip, chunked\r\n", BodyKind::none, 0, 501},
      {"1.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", BodyKind::none, 0, 400},
      {"1.1", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", BodyKind::none, 0, 400},
      {"1.0", "Transfer-Encoding: chunked\r\n", BodyKind::none, 0, 400},
  };
  for (const auto& test : cases) {
    const std::string text = std::string("POST / HTTP/") + test.version + "\r\n" + test.fields + "\r\n";
    RequestParser parser;
    ASSERT_EQ(parse(parser, text), HeadResult::complete);
    const Framing framing = request_framing(parser.head(), text.data());
    EXPECT_EQ(framing.error, test.error) << test.fields;
    if (test.error == 0) {
      EXPECT_EQ(framing.kind, test.kind) << test.fields;
      EXPECT_EQ(framing.length, test.length) << test.fields;
    }
  }
}

TEST(Framing, Responses) {
  struct Case {
    const char* head;
    bool to_head;
    BodyKind kind;
    int error;
  };
  const Case cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, BodyKind::length, 0},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, BodyKind::none, 0},
      {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false, BodyKind::none, 0},
      {"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", false, BodyKind::none, 0},
      {"HTTP/1.1 100 Continue\r\n\r\n", false, BodyKind::none, 0},
      {"HTTP/1.1 200 OK\r\n\r\n", false, BodyKind::until_close, 0},
      {"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n", false, BodyKind::chunked, 0},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", false, BodyKind::none, 502},
      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, BodyKind::none, 502},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", false, BodyKind::none, 502},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", false, BodyKind::none, 502},
  };
  for (const auto& test : cases) {
    const std::string text = test.head;
    ResponseParser parser;
    ASSERT_EQ(parser.parse(text.data(), text.size()), HeadResult::complete) << text;
    const Framing framing = response_framing(parser.head(), text.data(), test.to_head);
    EXPECT_EQ(framing.error, test.error) << text;
    if (test.error == 0) {
      EXPECT_EQ(framing.kind, test.kind) << text;
    }
  }
}

TEST(Http1, ResponseHeads) {
  const std::pair<std::string, HeadResult> cases[] = {
      {"HTTP/1.1 200 OK\r\n\r\n", HeadResult::complete},     {"HTTP/1.1 200\r\n\r\n", HeadResult::complete},
      {"HTTP/1.1 20 OK\r\n\r\n", HeadResult::malformed},     {"HTTP/1.1 2000 OK\r\n\r\n", HeadResult::malformed},
      {"HTTP/1.1 099 OK\r\n\r\n", HeadResult::malformed},    {"HTTP/2.0 200 OK\r\n\r\n", HeadResult::version_not_supported},
      {"hello\r\n\r\n", HeadResult::malformed},              {"HTTP/1.1 200 OK\nA: b\n\n", HeadResult::malformed},
      {"HTTP/1.1 200 OK\r\nA: " + std::string(33000, 'a'), HeadResult::too_large}};
  for (const auto& [text, expected] : cases) {
    ResponseParser parser;
    EXPECT_EQ(parser.parse(text.data(), text.size()), expected) << text.substr(0, 40);
  }
}

TEST(Framing, ChunkedBodies) {
  struct Case {
    std::string text;
    const char* payload;
    bool done;
    std::size_t used;
  };
  const Case cases[] = {
      {"0\r\n\r\nGET", "", true, 5},
      {"5\r\nhello\r\n0\r\n\r\n", "hello", true, 15},
      {"5;a=b\r\nhello\r\n00\r\nT: v\r\n\r\n", "hello", true, 26},
      {"A\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n", "0123456789x", true, 26},
      {"5\nhello\r\n0\r\n\r\n", nullptr, false, 0},
      {"5\r\nhelloX\r\n", nullptr, false, 0},
      {"5\r\nhello\n0\r\n\r\n", nullptr, false, 0},
      {"-1\r\n", nullptr, false, 0},
      {"0x5\r\n", nullptr, false, 0},
      {"\r\n", nullptr, false, 0},
      {"1000000000000000\r\n", nullptr, false, 0},
      {"0\r\n folded\r\n\r\n", nullptr, false, 0},
      {"1;" + std::string(17000, 'a') + "\r\n", nullptr, false, 0},
      {"5\r\nhel", "hel", false, 6},
  };
  for (const auto& test : cases) {
    for (const std::size_t piece : {test.text.size(), std::size_t(1), std::size_t(3)}) {
      ChunkedTracker tracker;
      std::string payload;
      std::size_t used = 0;
      std::size_t limit = 0;
      while (used < test.text.size() && !tracker.done() && !tracker.failed()) {
        if (used >= limit) limit = std::min(test.text.size(), limit + piece);
        const auto step = tracker.step(std::string_view(test.text).substr(used, limit - used));
        payload += step.payload;
        used += step.consumed;
      }
      EXPECT_EQ(tracker.failed(), test.payload == nullptr) << test.text.substr(0, 40);
      if (test.payload == nullptr) continue;
      EXPECT_EQ(payload, test.payload);
      EXPECT_EQ(tracker.done(), test.done);
      EXPECT_EQ(used, test.used);
    }
    BodyTracker body(Framing{.kind = BodyKind::chunked});
    const std::size_t taken = body.take(test.text);
    if (test.payload != nullptr) {
      EXPECT_EQ(taken, test.used);
    }
    EXPECT_EQ(body.done(), test.done);
  }
}

}  // namespace
}  // namespace brume::lb
