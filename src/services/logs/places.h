// How places in a log are told to clients: tokens of GetLogEvents and FilterLogEvents, ids of events, pointers to
// records.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "logstore/event_store.h"

namespace brume::logs {

// 56 digits, as AWS's event ids have; they rise with the event's place.
std::string event_id(const logstore::Position& position);
// Error: InvalidParameterException.
Result<logstore::Position> parse_event_id(std::string_view text);

// "f/<event id>/s": what comes after; "b/<event id>/s": what came before.
struct Token {
  bool backward = false;
  logstore::Position position;
};
std::string to_text(const Token& token);
// Error: InvalidParameterException.
Result<Token> parse_token(std::string_view text);

// Insights' @ptr: a record of any group, as 48 hexadecimal digits.
struct Pointer {
  logstore::GroupId group = 0;
  logstore::Position position;
};
// Written for many records of a group: cheap, and good until the next.
class PointerText {
 public:
  explicit PointerText(logstore::GroupId group);
  std::string_view of(const logstore::Position& position);

 private:
  static constexpr std::size_t kDigits = 16;
  char text_[3 * kDigits];
};
// Error: InvalidParameterException.
Result<Pointer> parse_pointer(std::string_view text);

}  // namespace brume::logs
