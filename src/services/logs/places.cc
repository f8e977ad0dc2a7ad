#include "services/logs/places.h"

#include <charconv>
#include <limits>

#include "base/base64.h"

namespace brume::logs {
namespace {

constexpr std::size_t kTimeDigits = 20, kIdDigits = 36;

template <typename T>
bool read_number(std::string_view text, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= 0;
}

}  // namespace

std::string event_id(const logstore::Position& position) {
  return fmt::format("{:020}{:036}", position.timestamp, position.id);
}

Result<logstore::Position> parse_event_id(std::string_view text) {
  logstore::Position position;
  if (text.size() != kTimeDigits + kIdDigits || !read_number(text.substr(0, kTimeDigits), position.timestamp) ||
      !read_number(text.substr(kTimeDigits), position.id))
    return fail("InvalidParameterException", "The event id is not one that an answer had.");
  return position;
}

std::string to_text(const Token& token) {
  return fmt::format("{}/{}/s", token.backward ? 'b' : 'f', event_id(token.position));
}

Result<Token> parse_token(std::string_view text) {
  const bool backward = text.starts_with("b/");
  if ((backward || text.starts_with("f/")) && text.ends_with("/s"))
    if (const auto position = parse_event_id(text.substr(2, text.size() - 4))) return Token{backward, *position};
  return fail("InvalidParameterException", "The specified nextToken is invalid.");
}

std::string to_text(const Pointer& pointer) {
  return base64_encode(fmt::format("{:020}{}", pointer.group, event_id(pointer.position)));
}

Result<Pointer> parse_pointer(std::string_view text) {
  Pointer pointer;
  const auto inner = base64_decode(text);
  if (inner && inner->size() > kTimeDigits && read_number(std::string_view(*inner).substr(0, kTimeDigits), pointer.group))
    if (const auto position = parse_event_id(std::string_view(*inner).substr(kTimeDigits))) {
      pointer.position = *position;
      return pointer;
    }
  return fail("InvalidParameterException", "The log record pointer is not one that a query's @ptr had.");
}

}  // namespace brume::logs
