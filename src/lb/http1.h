// HTTP/1 message heads: a strict incremental parser that keeps offsets, never copies.
//
// Feed it the whole unconsumed input each time it grew; it goes on where it stopped, and every byte is looked at once.
// Offsets are relative to the start of that input, so the buffer may move between calls. Refused rather than repaired:
// bare LF, folded lines, space before a colon, control bytes, names that are no tokens, request targets with anything
// but visible ASCII. How long the body is, is framing.h's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace brume::lb {

// Limits of an Application Load Balancer ("Request header limits" in its user guide).
inline constexpr std::uint32_t kMaxRequestLine = 16 * 1024;
inline constexpr std::uint32_t kMaxHeader = 16 * 1024;
inline constexpr std::uint32_t kMaxRequestHead = 64 * 1024;
inline constexpr std::uint32_t kMaxResponseHead = 32 * 1024;

struct Span {
  std::uint32_t begin = 0, end = 0;
  [[nodiscard]] std::uint32_t size() const { return end - begin; }
  [[nodiscard]] bool empty() const { return begin == end; }
  [[nodiscard]] std::string_view in(const char* base) const { return {base + begin, size()}; }
};

// The fields that the proxy itself treats in a special way.
enum class Name : std::uint8_t {
  other,
  connection,
  content_length,
  expect,
  host,
  keep_alive,
  proxy_connection,
  te,
  transfer_encoding,
  upgrade,
  x_amzn_trace_id,
  x_forwarded_for,
  x_forwarded_port,
  x_forwarded_proto,
};

struct Field {
  Span line;   // name to CRLF, inclusive
  Span name;
  Span value;  // without the white space around it
  Name known = Name::other;
  bool plain = true;  // the name is [-A-Za-z0-9]+
};

// What the Connection fields of a head say.
struct ConnectionOptions {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  bool names_fields = false;  // something else: fields that end at this hop
};

enum class HeadResult : std::uint8_t {
  incomplete,
  complete,
  malformed,
  line_too_long,          // the request line
  too_large,              // a header, or all of them
  version_not_supported,  // HTTP, but not 1.0 or 1.1
};

// What request and response heads have in common. Valid once parse() said complete.
struct Head {
  std::vector<Field> fields;
  ConnectionOptions connection;
  std::uint32_t size = 0;  // bytes, with the empty line
  int minor_version = 1;   // of HTTP/1.x

  // The first of that name, or nullptr. For Name::other use find_by_name.
  [[nodiscard]] const Field* find(Name name) const;
  [[nodiscard]] const Field* find_by_name(const char* base, std::string_view name) const;
  // Whether a Connection field names this field.
  [[nodiscard]] bool connection_names(const char* base, std::string_view name) const;
};

struct RequestHead : Head {
  Span method;
  Span target;  // as sent
  Span path;    // "/…", empty for an absolute target without one; "*" for OPTIONS *
  Span query;   // without "?"
  bool has_query = false;
  Span authority;  // of an absolute target
  bool absolute = false;
};

struct ResponseHead : Head {
  int status = 0;
  Span reason;
};

// Case-insensitive in ASCII.
bool equals_ignoring_case(std::string_view a, std::string_view b);

class HeadParser {
 protected:
  // One line at a time. Leaves the line without CRLF in `line`.
  HeadResult next_line(const char* data, std::size_t size, Span& line);
  bool parse_field(const char* data, Span line, Head& head);
  static bool read_connection(const char* data, Head& head);
  void reset_lines() { line_begin_ = scanned_ = 0; }

  std::uint32_t line_begin_ = 0;
  std::uint32_t scanned_ = 0;
};

class RequestParser : HeadParser {
 public:
  HeadResult parse(const char* data, std::size_t size);
  [[nodiscard]] const RequestHead& head() const { return head_; }
  // Has any byte of a head been seen?
  [[nodiscard]] bool started() const { return scanned_ > 0; }
  void reset();

 private:
  HeadResult parse_request_line(const char* data, Span line);
  bool parse_target(const char* data);

  RequestHead head_;
  bool have_line_ = false;
};

class ResponseParser : HeadParser {
 public:
  HeadResult parse(const char* data, std::size_t size);
  [[nodiscard]] const ResponseHead& head() const { return head_; }
  void reset();

 private:
  HeadResult parse_status_line(const char* data, Span line);

  ResponseHead head_;
  bool have_line_ = false;
};

}  // namespace brume::lb
