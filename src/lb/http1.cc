#include "lb/http1.h"

#include <array>
#include <cstring>

namespace brume::lb {
namespace {

enum : std::uint8_t { kToken = 1, kPlain = 2, kVisible = 4 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> table{};
  for (int c = 0x21; c <= 0x7e; ++c) table[std::size_t(c)] |= kVisible;
  for (int c = '0'; c <= '9'; ++c) table[std::size_t(c)] |= kToken | kPlain;
  for (int c = 'a'; c <= 'z'; ++c) table[std::size_t(c)] |= kToken | kPlain;
  for (int c = 'A'; c <= 'Z'; ++c) table[std::size_t(c)] |= kToken | kPlain;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[std::uint8_t(c)] |= kToken;
  table['-'] |= kPlain;
  return table;
}
constexpr std::array<std::uint8_t, 256> kClass = make_classes();

std::uint8_t class_of(char c) { return kClass[std::uint8_t(c)]; }

bool all_of_class(std::string_view text, std::uint8_t wanted) {
  for (char c : text) {
    if (!(class_of(c) & wanted)) return false;
  }
  return true;
}

// Any control byte but HTAB? Eight bytes at a time: the high bit of a lane is set where the byte is below 0x20 or 0x7f.
bool has_control(std::string_view text) {
  constexpr std::uint64_t ones = 0x0101010101010101u;
  constexpr std::uint64_t highs = ones * 0x80;
  auto exact = [](std::string_view part) {
    for (char c : part) {
      const auto byte = std::uint8_t(c);
      if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return true;
    }
    return false;
  };
  while (text.size() >= 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), 8);
    const std::uint64_t below = (word - ones * 0x20) & ~word & highs;
    const std::uint64_t del = word ^ (ones * 0x7f);
    const std::uint64_t is_del = (del - ones) & ~del & highs;
    // A borrow can mark a neighbour falsely; the exact look decides.
    if ((below | is_del) && exact(text.substr(0, 8))) return true;
    text.remove_prefix(8);
  }
  return exact(text);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; }

Name classify(std::string_view name) {
  auto is = [name](std::string_view other, Name known) { return equals_ignoring_case(name, other) ? known : Name::other; };
  switch (name.size()) {
    case 2: return is("te", Name::te);
    case 4: return is("host", Name::host);
    case 6: return is("expect", Name::expect);
    case 7: return is("upgrade", Name::upgrade);
    case 10: return lower(name[0]) == 'c' ? is("connection", Name::connection) : is("keep-alive", Name::keep_alive);
    case 14: return is("content-length", Name::content_length);
    case 15: return lower(name[2]) == 'a' ? is("x-amzn-trace-id", Name::x_amzn_trace_id)
                                          : is("x-forwarded-for", Name::x_forwarded_for);
    case 16: return lower(name[0]) == 'x' ? is("x-forwarded-port", Name::x_forwarded_port)
                                          : is("proxy-connection", Name::proxy_connection);
    case 17: return lower(name[0]) == 'x' ? is("x-forwarded-proto", Name::x_forwarded_proto)
                                          : is("transfer-encoding", Name::transfer_encoding);
    default: return Name::other;
  }
}

// Calls `visit` with each non-empty element of a comma-separated list; false if one is not a token.
template <typename Visit>
bool each_token(std::string_view list, Visit visit) {
  while (true) {
    const auto comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (!item.empty()) {
      if (!all_of_class(item, kToken)) return false;
      visit(item);
    }
    if (comma == std::string_view::npos) return true;
    list.remove_prefix(comma + 1);
  }
}

// "HTTP/1.0", "HTTP/1.1": complete, with the minor version. Another version of HTTP: version_not_supported.
HeadResult parse_version(std::string_view text, int& minor) {
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 8 || !text.starts_with("HTTP/") || !digit(text[5]) || text[6] != '.' || !digit(text[7])) {
    return HeadResult::malformed;
  }
  if (text[5] != '1' || text[7] > '1') return HeadResult::version_not_supported;
  minor = text[7] - '0';
  return HeadResult::complete;
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

const Field* Head::find(Name name) const {
  for (const Field& field : fields) {
    if (field.known == name) return &field;
  }
  return nullptr;
}

const Field* Head::find_by_name(const char* base, std::string_view name) const {
  for (const Field& field : fields) {
    if (equals_ignoring_case(field.name.in(base), name)) return &field;
  }
  return nullptr;
}

bool Head::connection_names(const char* base, std::string_view name) const {
  bool found = false;
  for (const Field& field : fields) {
    if (field.known != Name::connection) continue;
    each_token(field.value.in(base), [&](std::string_view item) { found = found || equals_ignoring_case(item, name); });
  }
  return found;
}

HeadResult HeadParser::next_line(const char* data, std::size_t size, Span& line) {
  const void* found = std::memchr(data + scanned_, '\n', size - scanned_);
  if (found == nullptr) {
    scanned_ = std::uint32_t(size);
    return HeadResult::incomplete;
  }
  const auto newline = std::uint32_t(static_cast<const char*>(found) - data);
  if (newline == line_begin_ || data[newline - 1] != '\r') return HeadResult::malformed;
  line = {line_begin_, newline - 1};
  line_begin_ = scanned_ = newline + 1;
  return HeadResult::complete;
}

bool HeadParser::parse_field(const char* data, Span line, Head& head) {
  Field field;
  std::uint32_t at = line.begin;
  std::uint8_t all = kToken | kPlain;
  for (; at < line.end && data[at] != ':'; ++at) {
    all &= class_of(data[at]);
    if (!(all & kToken)) return false;
  }
  if (at == line.begin || at == line.end) return false;
  field.name = {line.begin, at};
  field.plain = (all & kPlain) != 0;
  std::uint32_t begin = at + 1, end = line.end;
  while (begin < end && (data[begin] == ' ' || data[begin] == '\t')) ++begin;
  while (end > begin && (data[end - 1] == ' ' || data[end - 1] == '\t')) --end;
  field.value = {begin, end};
  if (has_control(field.value.in(data))) return false;
  field.line = {line.begin, line.end + 2};
  field.known = classify(field.name.in(data));
  head.fields.push_back(field);
  return true;
}

bool HeadParser::read_connection(const char* data, Head& head) {
  for (const Field& field : head.fields) {
    if (field.known != Name::connection) continue;
    const bool tokens = each_token(field.value.in(data), [&](std::string_view item) {
      if (equals_ignoring_case(item, "close")) head.connection.close = true;
      else if (equals_ignoring_case(item, "keep-alive")) head.connection.keep_alive = true;
      else if (equals_ignoring_case(item, "upgrade")) head.connection.upgrade = true;
      else head.connection.names_fields = true;
    });
    if (!tokens) return false;
  }
  return true;
}

void RequestParser::reset() {
  reset_lines();
  have_line_ = false;
  auto fields = std::move(head_.fields);
  fields.clear();
  head_ = {};
  head_.fields = std::move(fields);
}

HeadResult RequestParser::parse(const char* data, std::size_t size) {
  while (true) {
    Span line;
    const HeadResult found = next_line(data, size, line);
    if (found == HeadResult::incomplete) {
      const std::size_t pending = size - line_begin_;
      if (!have_line_ && pending > kMaxRequestLine) return HeadResult::line_too_long;
      if (pending > kMaxHeader || size > kMaxRequestHead) return HeadResult::too_large;
      return HeadResult::incomplete;
    }
    if (found != HeadResult::complete) return found;
    if (line_begin_ > kMaxRequestHead) return HeadResult::too_large;
    if (!have_line_) {
      // RFC 9112, 2.2: an empty line before the request line is skipped (some clients end a body with one).
      if (line.empty()) {
        if (line.begin >= 4) return HeadResult::malformed;
        continue;
      }
      if (line.size() > kMaxRequestLine) return HeadResult::line_too_long;
      if (const auto parsed = parse_request_line(data, line); parsed != HeadResult::complete) return parsed;
      have_line_ = true;
    } else if (line.empty()) {
      head_.size = line_begin_;
      return read_connection(data, head_) ? HeadResult::complete : HeadResult::malformed;
    } else {
      if (line.size() > kMaxHeader) return HeadResult::too_large;
      if (!parse_field(data, line, head_)) return HeadResult::malformed;
    }
  }
}

HeadResult RequestParser::parse_request_line(const char* data, Span line) {
  const std::string_view text = line.in(data);
  const auto first = text.find(' ');
  const auto last = text.rfind(' ');
  if (first == std::string_view::npos || first == last || first == 0) return HeadResult::malformed;
  if (const auto version = parse_version(text.substr(last + 1), head_.minor_version); version != HeadResult::complete) {
    return version;
  }
  head_.method = {line.begin, line.begin + std::uint32_t(first)};
  head_.target = {line.begin + std::uint32_t(first) + 1, line.begin + std::uint32_t(last)};
  if (!all_of_class(head_.method.in(data), kToken)) return HeadResult::malformed;
  return parse_target(data) ? HeadResult::complete : HeadResult::malformed;
}

bool RequestParser::parse_target(const char* data) {
  const std::string_view target = head_.target.in(data);
  if (target.empty() || !all_of_class(target, kVisible) || target.find('#') != std::string_view::npos) return false;
  std::uint32_t path = head_.target.begin;
  if (target == "*") {
    if (head_.method.in(data) != "OPTIONS") return false;
  } else if (target[0] != '/') {
    std::size_t scheme = 0;
    if (equals_ignoring_case(target.substr(0, 7), "http://")) scheme = 7;
    else if (equals_ignoring_case(target.substr(0, 8), "https://")) scheme = 8;
    if (scheme == 0) return false;
    std::size_t end = target.find_first_of("/?", scheme);
    if (end == std::string_view::npos) end = target.size();
    head_.absolute = true;
    head_.authority = {path + std::uint32_t(scheme), path + std::uint32_t(end)};
    const std::string_view authority = head_.authority.in(data);
    if (authority.empty() || authority.find('@') != std::string_view::npos) return false;
    path += std::uint32_t(end);
  }
  const std::string_view rest(data + path, head_.target.end - path);
  const auto question = rest.find('?');
  head_.has_query = question != std::string_view::npos;
  head_.path = {path, head_.has_query ? path + std::uint32_t(question) : head_.target.end};
  head_.query = {head_.has_query ? head_.path.end + 1 : head_.target.end, head_.target.end};
  return true;
}

void ResponseParser::reset() {
  reset_lines();
  have_line_ = false;
  auto fields = std::move(head_.fields);
  fields.clear();
  head_ = {};
  head_.fields = std::move(fields);
}

HeadResult ResponseParser::parse(const char* data, std::size_t size) {
  while (true) {
    Span line;
    const HeadResult found = next_line(data, size, line);
    if (found == HeadResult::incomplete) return size > kMaxResponseHead ? HeadResult::too_large : found;
    if (found != HeadResult::complete) return found;
    if (line_begin_ > kMaxResponseHead) return HeadResult::too_large;
    if (!have_line_) {
      if (const auto parsed = parse_status_line(data, line); parsed != HeadResult::complete) return parsed;
      have_line_ = true;
    } else if (line.empty()) {
      head_.size = line_begin_;
      return read_connection(data, head_) ? HeadResult::complete : HeadResult::malformed;
    } else if (!parse_field(data, line, head_)) {
      return HeadResult::malformed;
    }
  }
}

HeadResult ResponseParser::parse_status_line(const char* data, Span line) {
  const std::string_view text = line.in(data);
  if (text.size() < 12 || text[8] != ' ') return HeadResult::malformed;
  if (const auto version = parse_version(text.substr(0, 8), head_.minor_version); version != HeadResult::complete) {
    return version;
  }
  head_.status = 0;
  for (char c : text.substr(9, 3)) {
    if (c < '0' || c > '9') return HeadResult::malformed;
    head_.status = head_.status * 10 + (c - '0');
  }
  if (head_.status < 100 || (text.size() > 12 && text[12] != ' ') || has_control(text)) return HeadResult::malformed;
  head_.reason = {line.begin + (text.size() > 12 ? 13u : 12u), line.end};
  return HeadResult::complete;
}

}  // namespace brume::lb
