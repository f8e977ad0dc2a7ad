// What the tests of filter patterns share: tables of patterns and events, and the user guide's events.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "services/logs/pattern/filter_pattern.h"

namespace brume::logs {

inline FilterPattern pattern(std::string_view text) {
  auto parsed = FilterPattern::parse(text);
  EXPECT_TRUE(parsed) << text << ": " << parsed.error().message;
  return parsed ? *std::move(parsed) : *FilterPattern::parse("");
}
inline std::string error(std::string_view text) {
  const auto parsed = FilterPattern::parse(text);
  if (parsed) return "none";
  EXPECT_EQ(parsed.error().code, "InvalidParameterException");
  return parsed.error().message;
}

// A pattern, and the events that it matches and does not match.
struct Case {
  std::string_view text;
  std::vector<std::string_view> matching, others;
};
inline void check(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    const FilterPattern parsed = pattern(one.text);
    for (const std::string_view message : one.matching) {
      EXPECT_TRUE(parsed.matches(message)) << one.text << " and " << message;
      EXPECT_NE(message.find(parsed.needle()), std::string_view::npos) << one.text << " and " << message;
    }
    for (const std::string_view message : one.others)
      EXPECT_FALSE(parsed.matches(message)) << one.text << " and " << message;
  }
}

// The user guide's events.
inline constexpr std::string_view kBadRequest = "[ERROR 400] BAD REQUEST",
                                  kUnauthorized = "[ERROR 401] UNAUTHORIZED REQUEST",
                                  kMissing = "[ERROR 419] MISSING ARGUMENTS",
                                  kInvalid = "[ERROR 420] INVALID ARGUMENTS";
inline constexpr std::string_view kTrail =
    R"({"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "cluster.name": "c"})";
inline constexpr std::string_view kUsers =
    R"({"user": {"id": 1, "email": "John.Stiles@example.com"},
        "users": [{"id": 2, "email": "John.Doe@example.com"}, {"id": 3, "email": "Jane.Doe@example.com"}],
        "actions": ["GET", "PUT", "DELETE"], "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]]})";
inline constexpr std::string_view kApache =
    R"(127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534)";
inline constexpr std::string_view kInfo = "INFO 09/25/2014 12:00:00 GET /service/resource/67 1200",
                                  kPart = "INFO 09/25/2014 12:00:01 POST /service/resource/67/part/111 1310",
                                  kWarning = "WARNING 09/25/2014 12:00:02 Invalid user request",
                                  kError = "ERROR 09/25/2014 12:00:02 Failed to process request";

}  // namespace brume::logs
