// Where a message's body ends: the one decision everything else (forwarding, keep-alive, smuggling defence) relies on.
//
// Whatever two parsers could read in two ways is refused. Bodies are followed, never stored: BodyTracker says how many
// of the bytes at hand belong to the body.
#pragma once

#include <cstdint>
#include <string_view>

#include "lb/http1.h"

namespace brume::lb {

enum class BodyKind : std::uint8_t { none, length, chunked, until_close };

struct Framing {
  BodyKind kind = BodyKind::none;
  std::uint64_t length = 0;
  int error = 0;  // the status to refuse with (400, 501; 502 for a response), 0: none
};

Framing request_framing(const RequestHead& head, const char* base);
// `to_head`: the response answers HEAD.
Framing response_framing(const ResponseHead& head, const char* base, bool to_head);

// Follows the chunked coding (RFC 9112, 7.1), strictly: CRLF only, at most 15 hex digits, extensions and trailers at
// most 16 KiB.
class ChunkedTracker {
 public:
  struct Step {
    std::size_t consumed = 0;        // framing and payload
    std::string_view payload;        // inside what was consumed, at its end
  };
  // Consumes up to the end of the first run of payload, or all there is.
  Step step(std::string_view data);
  [[nodiscard]] bool done() const { return state_ == State::done; }
  [[nodiscard]] bool failed() const { return state_ == State::failed; }

 private:
  enum class State : std::uint8_t {
    size_start, size, extension, size_lf, data, data_cr, data_lf, trailer_start, trailer, trailer_lf, end_lf, done, failed
  };
  bool framing_byte(char c);

  State state_ = State::size_start;
  int digits_ = 0;
  std::uint32_t overhead_ = 0;
  std::uint64_t remaining_ = 0;
};

class BodyTracker {
 public:
  BodyTracker() = default;
  explicit BodyTracker(const Framing& framing) : kind_(framing.kind), remaining_(framing.length) {}
  // How many of the first bytes of `data` belong to the body.
  std::size_t take(std::string_view data);
  // The same for a chunked body, one run of payload at a time.
  ChunkedTracker::Step step(std::string_view data) { return chunked_.step(data); }
  [[nodiscard]] bool done() const {
    return kind_ == BodyKind::none || (kind_ == BodyKind::length && remaining_ == 0) ||
           (kind_ == BodyKind::chunked && chunked_.done());
  }
  [[nodiscard]] bool failed() const { return kind_ == BodyKind::chunked && chunked_.failed(); }
  [[nodiscard]] BodyKind kind() const { return kind_; }

 private:
  BodyKind kind_ = BodyKind::none;
  std::uint64_t remaining_ = 0;
  ChunkedTracker chunked_;
};

}  // namespace brume::lb
