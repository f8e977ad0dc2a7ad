// What the tests of queries share: records from lines, and results as text.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "services/logs/insights/query.h"

namespace brume::logs::insights {

// 25 May 2019 10:24:39.474, of the guide's examples of parse.
constexpr std::int64_t kNow = 1'558'779'879'474;

// Within a test, Run is gtest's.
using QueryRun = Run;

struct Event {
  std::int64_t timestamp;
  std::string message;
  std::string stream = "stream";
};

// Events a second apart, the first at kNow.
inline std::vector<Event> events(const std::vector<std::string>& messages) {
  std::vector<Event> out;
  for (const std::string& message : messages) out.push_back({kNow + std::int64_t(out.size()) * 1000, message});
  return out;
}

inline Query query(std::string_view text) {
  auto made = Query::parse(text, Timestamp(std::chrono::milliseconds(kNow)));
  EXPECT_TRUE(made.has_value()) << text << ": " << (made ? "" : made.error().message);
  return made ? *std::move(made) : *Query::parse("limit 1", Timestamp());
}

inline void add(Run& run, const std::vector<Event>& all) {
  for (const Event& event : all)
    run.add({event.timestamp, event.timestamp + 5, event.message, event.stream, "123456789012:group", "p"});
}

// "a=1 b=2; a=3", without @ptr.
inline std::string text_of(const Result<std::vector<Row>>& rows) {
  if (!rows) return rows.error().code + ": " + rows.error().message;
  std::string out;
  for (const Row& row : *rows) {
    if (!out.empty()) out += "; ";
    std::string line;
    for (const auto& [name, value] : row)
      if (name != "@ptr") line += (line.empty() ? "" : " ") + name + "=" + value;
    out += line;
  }
  return out;
}

inline std::string answer(std::string_view text, const std::vector<Event>& all) {
  Run run(query(text));
  add(run, all);
  return text_of(run.rows());
}
inline std::string answer(std::string_view text, const std::vector<std::string>& messages) {
  return answer(text, events(messages));
}

// An expression's value for one message.
inline std::string value_of(const std::string& expression, const std::string& message) {
  const std::string out = answer("fields " + expression + " as x", std::vector<std::string>{message});
  return out.starts_with("x=") ? out.substr(2) : out.empty() ? "missing" : out;
}

inline std::string error_of(std::string_view text) {
  const auto made = Query::parse(text, Timestamp());
  return made ? "no error" : made.error().message;
}

}  // namespace brume::logs::insights
