#include "lb/access_line.h"

#include <algorithm>
#include <charconv>

#include "base/time.h"

namespace brume::lb {
namespace {

constexpr std::size_t kMaxUserAgent = 8U << 10;  // "If the string is longer than 8 KB, it is truncated"

template <typename Number>
void number(Number value, std::string& out) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
}

// ` "text"`, or ` "-"` for nothing.
void quoted(std::string_view text, std::string& out) {
  out += " \"";
  if (text.empty()) out += '-';
  const auto plain = [](char c) { return c >= ' ' && c <= '~' && c != '"'; };
  while (!text.empty()) {
    const std::size_t run = std::size_t(std::ranges::find_if_not(text, plain) - text.begin());
    out += text.substr(0, run);
    text.remove_prefix(run);
    if (text.empty()) break;
    const auto byte = static_cast<unsigned char>(text.front());
    const char escaped[] = {'\\', 'x', "0123456789ABCDEF"[byte >> 4], "0123456789ABCDEF"[byte & 15]};
    out.append(escaped, sizeof escaped);
    text.remove_prefix(1);
  }
  out += '"';
}

void bare(std::string_view text, std::string& out) {
  out += ' ';
  out += text.empty() ? std::string_view("-") : text;
}

// ` 0.012`, or ` -1`.
void seconds(std::int64_t microseconds, std::string& out) {
  out += ' ';
  if (microseconds < 0) {
    out += "-1";
    return;
  }
  const std::int64_t milliseconds = microseconds / 1000;
  number(milliseconds / 1000, out);
  const int rest = int(milliseconds % 1000);
  const char fraction[] = {'.', char('0' + rest / 100), char('0' + rest / 10 % 10), char('0' + rest % 10)};
  out.append(fraction, sizeof fraction);
}

void status(int code, std::string& out) {
  out += ' ';
  if (code == 0)
    out += '-';
  else
    number(code, out);
}

void quoted_status(int code, std::string& out) {
  out += " \"";
  if (code == 0)
    out += '-';
  else
    number(code, out);
  out += '"';
}

}  // namespace

void AccessLines::time(std::int64_t microseconds, std::string& out) {
  const std::int64_t second = microseconds / 1'000'000;
  if (second != second_) {
    second_ = second;
    text_ = to_iso8601(Timestamp(std::chrono::seconds(second)));
    text_.back() = '.';  // in place of the Z
  }
  out += text_;
  char fraction[7] = {};
  fraction[6] = 'Z';
  std::int64_t rest = microseconds % 1'000'000;
  for (int i = 5; i >= 0; --i, rest /= 10) fraction[i] = char('0' + rest % 10);
  out.append(fraction, sizeof fraction);
}

void AccessLines::append(const AccessRecord& record, std::string& out) {
  out += record.type;
  out += ' ';
  time(record.time, out);
  bare(record.balancer, out);
  bare(record.client, out);
  bare(record.target, out);
  seconds(record.request_time, out);
  seconds(record.target_time, out);
  seconds(record.response_time, out);
  status(record.status, out);
  status(record.target_status, out);
  out += ' ';
  number(record.received, out);
  out += ' ';
  number(record.sent, out);
  quoted(record.request, out);
  quoted(std::string_view(record.user_agent).substr(0, kMaxUserAgent), out);
  out += " - -";
  bare(record.target_group, out);
  quoted(record.trace, out);
  out += " \"-\" \"-\" ";
  if (record.rule == AccessRecord::kNoRule)
    out += '-';
  else
    number(record.rule, out);
  out += ' ';
  time(record.creation, out);
  quoted(record.action, out);
  quoted(record.redirect_url, out);
  out += " \"-\"";
  quoted(record.target, out);
  quoted_status(record.target_status, out);
  out += " \"-\" \"-\"";
  bare(record.connection, out);
  out += " \"-\" \"-\" \"-\"\n";
}

}  // namespace brume::lb
