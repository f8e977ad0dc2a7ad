#include "services/logs/places.h"

#include <charconv>

namespace brume::logs {
namespace {

constexpr std::size_t kTimeDigits = 20, kIdDigits = 36;

template <typename T>
bool read_number(std::string_view text, T& number, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end == text.data() + text.size() && !text.starts_with('-');
}

void write_hex(std::uint64_t number, char* out) {
  for (int i = 15; i >= 0; --i, number >>= 4) out[i] = "0123456789abcdef"[number & 15];
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

PointerText::PointerText(logstore::GroupId group) {
  write_hex(group, text_);
}

std::string_view PointerText::of(const logstore::Position& position) {
  write_hex(std::uint64_t(position.timestamp), text_ + kDigits);
  write_hex(position.id, text_ + 2 * kDigits);
  return {text_, sizeof text_};
}

Result<Pointer> parse_pointer(std::string_view text) {
  Pointer pointer;
  if (text.size() == 48 && read_number(text.substr(0, 16), pointer.group, 16) &&
      read_number(text.substr(16, 16), pointer.position.timestamp, 16) &&
      read_number(text.substr(32), pointer.position.id, 16))
    return pointer;
  return fail("InvalidParameterException", "The log record pointer is not one that a query's @ptr had.");
}

}  // namespace brume::logs
