// Published protocol cases against our readers and writers, as a server and as a client. Values are compared as JSON.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include <boost/json.hpp>

#include "aws/cbor.h"
#include "aws/json_rpc.h"
#include "aws/protocol.h"
#include "base/base64.h"
#include "exceptions.h"
#include "protocol_registry.h"

namespace brume::aws {
namespace {

#ifdef BRUME_PROTOCOL_CASES

namespace bj = boost::json;

std::string text(const bj::object& object, const char* key) {
  const bj::value* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : "";
}

// A value of a shape of the generated models.
struct Value {
  std::shared_ptr<void> held;
  const Shape* shape = nullptr;
  [[nodiscard]] std::string json() const { return shape ? write_json(*shape, held.get()) : "{}"; }
};

struct Case {
  const bj::object& data;
  std::string id = text(data, "id");
  const ServiceModel* service = protocol_model(text(data, "service"));
  const Operation* operation = service->find(text(data, "operation"));
  std::string body = base64_decode(text(data, "body")).value_or("");

  [[nodiscard]] Protocol protocol() const { return preferred_protocol(*service); }
  [[nodiscard]] Headers headers() const {
    Headers all;
    for (const auto& [name, value] : data.at("headers").as_object())
      all.emplace_back(name, std::string(value.as_string()));
    return all;
  }
  [[nodiscard]] Value input() const {
    return {operation->make_input ? operation->make_input() : nullptr, operation->input ? operation->input() : nullptr};
  }
  [[nodiscard]] Value output() const {
    return {operation->make_output ? operation->make_output() : nullptr,
            operation->output ? operation->output() : nullptr};
  }
  // What the case says that the value is.
  [[nodiscard]] Value expected(Value blank) const {
    if (blank.shape) {
      const auto read = read_json(*blank.shape, blank.held.get(), text(data, "value"));
      EXPECT_TRUE(read) << id << ": " << (read ? "" : read.error().message);
    }
    return blank;
  }
};

const bj::array& all_cases() {
  static const bj::value document = [] {
    std::ifstream file(BRUME_PROTOCOL_CASES);
    std::stringstream content;
    content << file.rdbuf();
    return bj::parse(content.str());
  }();
  return document.as_array();
}

template <typename F>
void for_each(const char* side, Side tested, F&& check) {
  int run = 0, excepted = 0;
  for (const bj::value& entry : all_cases()) {
    if (text(entry.as_object(), "side") != side) continue;
    const Case c{entry.as_object()};
    if (exception_of(c.id, tested)) {
      ++excepted;
      continue;
    }
    ++run;
    SCOPED_TRACE(text(c.data, "service") + " " + c.id);
    check(c);
  }
  std::cout << run << " cases, " << excepted << " exceptions\n";
  EXPECT_GT(run, 0);
}

using Form = std::vector<std::pair<std::string, std::string>>;

Form sorted_form(std::string_view text) {
  auto form = parse_form(text).value_or(Form{});
  std::ranges::sort(form);
  return form;
}

void expect_same_body(const Case& c, const HttpRequest& request) {
  switch (c.protocol()) {
    case Protocol::query:
    case Protocol::ec2:
      EXPECT_EQ(sorted_form(request.body), sorted_form(c.body));
      return;
    case Protocol::rpc_v2_cbor: {
      if (c.body.empty()) {
        EXPECT_EQ(request.body, "");
        return;
      }
      Value ours = c.input(), theirs = c.input();
      EXPECT_TRUE(read_cbor(*ours.shape, ours.held.get(), request.body));
      EXPECT_TRUE(read_cbor(*theirs.shape, theirs.held.get(), c.body));
      EXPECT_EQ(ours.json(), theirs.json());
      return;
    }
    default:
      bj::error_code error;
      const bj::value theirs = bj::parse(c.body, error);
      if (error || !(theirs.is_object() || theirs.is_array())) {
        EXPECT_EQ(request.body, c.body);
      } else {
        EXPECT_EQ(bj::parse(request.body, error), theirs) << request.body;
      }
  }
}

TEST(Protocol, ServerReadsWhatClientsSend) {
  for_each("input", Side::server, [](const Case& c) {
    const HttpRequest request{
        .method = text(c.data, "method"), .target = text(c.data, "target"), .headers = c.headers(), .body = c.body};
    const Value read = c.input();
    const auto result = read_request(c.protocol(), *c.operation, request, read.held.get());
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(read.json(), c.expected(c.input()).json());
  });
}

TEST(Protocol, ClientSendsWhatServersExpect) {
  for_each("input", Side::client, [](const Case& c) {
    const auto request = write_request(c.protocol(), *c.service, *c.operation, c.expected(c.input()).held.get());
    ASSERT_TRUE(request) << request.error().message;
    EXPECT_EQ(request->method, text(c.data, "method"));
    const std::string target = text(c.data, "target");
    EXPECT_EQ(split_target(request->target).first, split_target(target).first);
    EXPECT_EQ(sorted_form(split_target(request->target).second), sorted_form(split_target(target).second));
    for (const auto& [name, value] : c.headers()) {
      const std::string* sent = find_header(request->headers, name);
      ASSERT_TRUE(sent) << name;
      // "; charset=utf-8" may follow.
      EXPECT_TRUE(*sent == value || (equal_ignoring_case(name, "content-type") && sent->starts_with(value)))
          << name << ": " << *sent;
    }
    for (const bj::value& name : c.data.at("forbidden").as_array())
      EXPECT_FALSE(find_header(request->headers, std::string_view(name.as_string()))) << name;
    if (c.data.at("has_body").as_bool()) expect_same_body(c, *request);
  });
}

// XML answers always have the lists at the top of an output, also those that the case leaves out.
void with_top_lists(const Case& c, const Value& value) {
  if (!value.shape || (c.protocol() != Protocol::query && c.protocol() != Protocol::ec2)) return;
  for (const Member& member : value.shape->members)
    if (member.shape()->kind == Kind::list) member.emplace(value.held.get());
}

HttpAnswer given_answer(const Case& c) {
  return {int(c.data.at("status").as_int64()), c.headers(), c.body};
}

TEST(Protocol, ClientReadsWhatServersAnswer) {
  for_each("output", Side::client, [](const Case& c) {
    const Value read = c.output();
    const auto result = read_answer(c.protocol(), *c.operation, given_answer(c), read.held.get());
    if (const std::string code = text(c.data, "error_code"); !code.empty()) {
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().code, code);
      EXPECT_EQ(result.error().status, c.data.at("status").as_int64());
      const std::string message = text(c.data, "error_message");
      EXPECT_TRUE(message.empty() || result.error().message == message) << result.error().message;
      return;
    }
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(read.json(), c.expected(c.output()).json());
  });
}

TEST(Protocol, ServerAnswersWhatClientsRead) {
  for_each("output", Side::server, [](const Case& c) {
    if (const std::string code = text(c.data, "error_code"); !code.empty()) {
      const Error error{code, "Hi", int(c.data.at("status").as_int64())};
      const auto result =
          read_answer(c.protocol(), *c.operation, write_error(c.protocol(), c.service, error, "id"), nullptr);
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().status, error.status);
      EXPECT_EQ(result.error().message, error.message);
      EXPECT_EQ(result.error().code, error.code);
      return;
    }
    const Value expected = c.expected(c.output()), read = c.output();
    const HttpAnswer answer = write_answer(c.protocol(), *c.service, *c.operation, expected.held.get(), "id");
    EXPECT_EQ(answer.status, c.data.at("status").as_int64());
    const auto result = read_answer(c.protocol(), *c.operation, answer, read.held.get());
    ASSERT_TRUE(result) << result.error().message << "\n" << answer.body;
    with_top_lists(c, expected);
    with_top_lists(c, read);
    EXPECT_EQ(read.json(), expected.json()) << answer.body;
  });
}

TEST(Protocol, EveryExceptionNamesACase) {
  for (const Exception& exception : kExceptions)
    EXPECT_TRUE(std::ranges::any_of(all_cases(), [&](const bj::value& v) {
      return text(v.as_object(), "id") == exception.id;
    })) << exception.id;
}

#else

TEST(Protocol, Cases) {
  GTEST_SKIP() << "the published protocol cases were not there when this was built (BRUME_PROTOCOL_CASES)";
}

#endif

}  // namespace
}  // namespace brume::aws
