#include "lb/framing.h"

#include <algorithm>

namespace brume::lb {
namespace {

constexpr std::uint32_t kMaxOverhead = 16 * 1024;

struct LengthFields {
  int content_lengths = 0, transfer_encodings = 0;
  std::string_view content_length, transfer_encoding;
};

LengthFields length_fields(const Head& head, const char* base) {
  LengthFields found;
  for (const Field& field : head.fields) {
    if (field.known == Name::content_length) {
      ++found.content_lengths;
      found.content_length = field.value.in(base);
    } else if (field.known == Name::transfer_encoding) {
      ++found.transfer_encodings;
      found.transfer_encoding = field.value.in(base);
    }
  }
  return found;
}

// Digits only, up to 18 of them: no sign, no list, no overflow.
bool parse_length(std::string_view text, std::uint64_t& length) {
  if (text.empty() || text.size() > 18) return false;
  length = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return false;
    length = length * 10 + std::uint64_t(c - '0');
  }
  return true;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_text(char c) { return std::uint8_t(c) >= 0x20 ? c != 0x7f : c == '\t'; }

}  // namespace

Framing request_framing(const RequestHead& head, const char* base) {
  const LengthFields found = length_fields(head, base);
  const int fields = found.content_lengths + found.transfer_encodings;
  if (fields == 0) return {};
  if (fields > 1) return {.error = 400};
  if (found.transfer_encodings == 1) {
    if (equals_ignoring_case(found.transfer_encoding, "identity")) return {};
    if (!equals_ignoring_case(found.transfer_encoding, "chunked")) return {.error = 501};
    if (head.minor_version == 0) return {.error = 400};  // HTTP/1.0 has no chunked coding
    return {.kind = BodyKind::chunked};
  }
  Framing framing{.kind = BodyKind::length};
  if (!parse_length(found.content_length, framing.length)) return {.error = 400};
  return framing;
}

Framing response_framing(const ResponseHead& head, const char* base, bool to_head) {
  const LengthFields found = length_fields(head, base);
  if (found.content_lengths + found.transfer_encodings > 1) return {.error = 502};
  Framing framing{.kind = BodyKind::until_close};
  if (found.transfer_encodings == 1) {
    if (!equals_ignoring_case(found.transfer_encoding, "chunked") || head.minor_version == 0) return {.error = 502};
    framing.kind = BodyKind::chunked;
  } else if (found.content_lengths == 1) {
    framing.kind = BodyKind::length;
    if (!parse_length(found.content_length, framing.length)) return {.error = 502};
  }
  if (to_head || head.status < 200 || head.status == 204 || head.status == 304) return {};
  return framing;
}

bool ChunkedTracker::framing_byte(char c) {
  if (++overhead_ > kMaxOverhead) return false;
  switch (state_) {
    case State::size_start:
      digits_ = 0;
      remaining_ = 0;
      if (hex_digit(c) < 0) return false;
      state_ = State::size;
      [[fallthrough]];
    case State::size:
      if (const int value = hex_digit(c); value >= 0) {
        if (++digits_ > 15) return false;
        remaining_ = remaining_ * 16 + std::uint64_t(value);
        return true;
      }
      if (c == '\r') state_ = State::size_lf;
      else if (c == ';' || c == ' ' || c == '\t') state_ = State::extension;
      else return false;
      return true;
    case State::extension:
      if (c == '\r') state_ = State::size_lf;
      else return is_text(c);
      return true;
    case State::size_lf:
      state_ = remaining_ == 0 ? State::trailer_start : State::data;
      return c == '\n';
    case State::data_cr:
      state_ = State::data_lf;
      return c == '\r';
    case State::data_lf:
      state_ = State::size_start;
      overhead_ = 0;  // the limit is one a chunk, not one a body
      return c == '\n';
    case State::trailer_start:
      state_ = c == '\r' ? State::end_lf : State::trailer;
      return c == '\r' || (is_text(c) && c != ' ' && c != '\t' && c != ':');
    case State::trailer:
      if (c == '\r') state_ = State::trailer_lf;
      else return is_text(c);
      return true;
    case State::trailer_lf:
      state_ = State::trailer_start;
      return c == '\n';
    case State::end_lf:
      state_ = State::done;
      return c == '\n';
    case State::data:
    case State::done:
    case State::failed:
      break;
  }
  return false;
}

ChunkedTracker::Step ChunkedTracker::step(std::string_view data) {
  Step result;
  while (result.consumed < data.size() && state_ != State::done && state_ != State::failed) {
    if (state_ == State::data) {
      const std::size_t run = std::size_t(std::min<std::uint64_t>(remaining_, data.size() - result.consumed));
      result.payload = data.substr(result.consumed, run);
      result.consumed += run;
      remaining_ -= run;
      if (remaining_ == 0) state_ = State::data_cr;
      return result;
    }
    if (!framing_byte(data[result.consumed])) {
      state_ = State::failed;
      return result;
    }
    ++result.consumed;
  }
  return result;
}

std::size_t BodyTracker::take(std::string_view data) {
  switch (kind_) {
    case BodyKind::none: return 0;
    case BodyKind::until_close: return data.size();
    case BodyKind::length: {
      const auto taken = std::size_t(std::min<std::uint64_t>(remaining_, data.size()));
      remaining_ -= taken;
      return taken;
    }
    case BodyKind::chunked: break;
  }
  std::size_t taken = 0;
  while (taken < data.size()) {
    const auto part = chunked_.step(data.substr(taken));
    taken += part.consumed;
    if (part.consumed == 0 || chunked_.done() || chunked_.failed()) break;
  }
  return taken;
}

}  // namespace brume::lb
