#include "lb/rules.h"

#include <gtest/gtest.h>

namespace brume::lb {
namespace {

struct Request {
  explicit Request(std::string head) : text(std::move(head)) {
    EXPECT_EQ(parser.parse(text.data(), text.size()), HeadResult::complete) << text;
  }
  RequestView view() {
    const auto& head = parser.head();
    const Field* host = head.find(Name::host);
    return {head, text.data(), head.method.in(text.data()),
            host ? split_host(host->value.in(text.data())).host : "", head.path.in(text.data()),
            head.query.in(text.data()), source};
  }
  std::string text;
  RequestParser parser;
  Address source = *Address::parse("10.1.2.3");
};

TEST(Rules, Wildcards) {
  struct Case {
    const char *pattern, *text;
    bool ignore_case, escapes, expected;
  };
  for (const auto& test : {Case{"/a", "/a", false, false, true}, {"/a", "/A", false, false, false},
                           {"/a", "/A", true, false, true}, {"/img/*", "/img/", false, false, true},
                           {"/img/*", "/img/a/b", false, false, true}, {"/img/*/x?", "/img/a/b/xy", false, false, true},
                           {"/img/*/x?", "/img/a/b/x", false, false, false}, {"*", "", false, false, true},
                           {"", "", false, false, true}, {"", "a", false, false, false},
                           {"*.example.com", "www.EXAMPLE.com", true, false, true},
                           {"a\\*b", "a*b", true, true, true}, {"a\\*b", "axb", true, true, false},
                           {"a*\\?", "abc?", true, true, true}, {"*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaa", false, false, false},
                           {"**x", "x", false, false, true}}) {
    EXPECT_EQ(wildcard_match(test.pattern, test.text, test.ignore_case, test.escapes), test.expected)
        << test.pattern << " " << test.text;
  }
}

TEST(Rules, Conditions) {
  struct Case {
    Condition condition;
    bool expected;
  };
  Request request("GET /Shop/cart?Version=v1&empty=&flag HTTP/1.1\r\nHost: www.Example.com:8080\r\nX-Env: Prod-1\r\nX-Env: b\r\n"
                  "X-Forwarded-For: 192.168.0.1\r\n\r\n");
  const Case cases[] = {
      {{"host-header", "", {"*.example.com"}}, true},
      {{"host-header", "", {"example.com", "api.*"}}, false},
      {{"path-pattern", "", {"/Shop/*"}}, true},
      {{"path-pattern", "", {"/shop/*"}}, false},
      {{"http-request-method", "", {"POST", "GET"}}, true},
      {{"http-request-method", "", {"get"}}, false},
      {{"http-request-method", "", {"G*"}}, false},
      {{"source-ip", "", {"10.1.0.0/16"}}, true},
      {{"source-ip", "", {"192.168.0.0/16"}}, false},
      {{"source-ip", "", {"10.1.2.2/31"}}, true},
      {{"source-ip", "", {"0.0.0.0/0"}}, true},
      {{"source-ip", "", {"::/0"}}, false},
      {{"http-header", "x-env", {"prod-?"}}, true},
      {{"http-header", "x-env", {"B"}}, true},
      {{"http-header", "x-none", {"*"}}, false},
      {{"query-string", "", {"version=V1"}}, true},
      {{"query-string", "", {"=v?"}}, true},
      {{"query-string", "", {"version=v2"}}, false},
      {{"query-string", "", {"empty="}}, true},
      {{"something-new", "", {"*"}}, false},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(CompiledCondition(test.condition).matches(request.view()), test.expected)
        << test.condition.field << " " << test.condition.values[0];
  }
}

TEST(Rules, AllConditionsOfARule) {
  Request request("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  CompiledRule rule;
  EXPECT_TRUE(rule.matches(request.view()));
  rule.conditions.emplace_back(Condition{"path-pattern", "", {"/a"}});
  EXPECT_TRUE(rule.matches(request.view()));
  rule.conditions.emplace_back(Condition{"host-header", "", {"other"}});
  EXPECT_FALSE(rule.matches(request.view()));
}

TEST(Rules, Redirects) {
  struct Case {
    Redirect redirect;
    const char* expected;
  };
  Request request("GET /a/b?x=1&y={host} HTTP/1.1\r\nHost: h.example:8080\r\n\r\n");
  const Case cases[] = {
      {{"HTTPS", "#{host}", "443", "/#{path}", "#{query}", 301}, "https://h.example:443/a/b?x=1&y={host}"},
      {{"#{protocol}", "#{host}", "#{port}", "/new/#{path}", "", 302}, "http://h.example:8080/new/a/b"},
      {{"", "other.example", "", "/", "from=#{path}", 302}, "http://other.example:8080/?from=a/b"},
  };
  for (const auto& test : cases) EXPECT_EQ(redirect_location(test.redirect, request.view(), 8080), test.expected);
}

TEST(Rules, HostPorts) {
  EXPECT_EQ(split_host("a:80").port, "80");
  EXPECT_EQ(split_host("a").port, "");
  EXPECT_EQ(split_host("[::1]").host, "[::1]");
  EXPECT_EQ(split_host("[::1]:81").port, "81");
}

}  // namespace
}  // namespace brume::lb
