#include "compute/init/http_message.h"

#include <algorithm>
#include <charconv>

namespace brume::init {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

template <int base>
std::optional<std::size_t> number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || value > kMaxResponse) return std::nullopt;
  return value;
}

Reading read_chunks(std::string_view bytes, bool ended, std::string& body) {
  const Reading unfinished = ended ? Reading::broken : Reading::more;
  for (;;) {
    const std::size_t line = bytes.find("\r\n");
    if (line == std::string_view::npos) return unfinished;
    const auto size = number<16>(trimmed(bytes.substr(0, std::min(line, bytes.find(';')))));
    if (!size || body.size() + *size > kMaxResponse) return Reading::broken;
    if (*size == 0) return Reading::done;
    if (bytes.size() < line + 2 + *size + 2) return unfinished;
    body += bytes.substr(line + 2, *size);
    if (bytes.substr(line + 2 + *size, 2) != "\r\n") return Reading::broken;
    bytes.remove_prefix(line + 2 + *size + 2);
  }
}

}  // namespace

Reading read_response(std::string_view bytes, bool ended, Response& out) {
  const Reading unfinished = ended ? Reading::broken : Reading::more;
  const std::size_t head = bytes.find("\r\n\r\n");
  if (head == std::string_view::npos) return bytes.size() > kMaxResponse ? Reading::broken : unfinished;
  // "HTTP/1.1 200 OK"
  if (!bytes.starts_with("HTTP/1.") || bytes.size() < 12 || bytes[8] != ' ') return Reading::broken;
  const auto status = number<10>(bytes.substr(9, 3));
  if (!status || *status < 100 || *status > 599) return Reading::broken;
  Response response{.status = int(*status), .body = {}};
  std::optional<std::size_t> length;
  bool chunked = false;
  std::string_view headers = bytes.substr(0, head + 2);
  headers.remove_prefix(headers.find("\r\n") + 2);
  while (!headers.empty()) {
    const std::string_view line = headers.substr(0, headers.find("\r\n"));
    headers.remove_prefix(line.size() + 2);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return Reading::broken;
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (same_name(line.substr(0, colon), "content-length")) {
      if (!(length = number<10>(value))) return Reading::broken;
    } else if (same_name(line.substr(0, colon), "transfer-encoding")) {
      if (!same_name(value, "chunked")) return Reading::broken;
      chunked = true;
    }
  }
  const std::string_view rest = bytes.substr(head + 4);
  if (chunked) {
    if (const Reading state = read_chunks(rest, ended, response.body); state != Reading::done) return state;
  } else if (length) {
    if (rest.size() < *length) return unfinished;
    response.body = rest.substr(0, *length);
  } else {
    if (rest.size() > kMaxResponse) return Reading::broken;
    if (!ended) return Reading::more;
    response.body = rest;
  }
  out = std::move(response);
  return Reading::done;
}

std::string request(std::string_view method, std::string_view path, std::string_view headers) {
  std::string out(method);
  out += ' ';
  out += path;
  out += " HTTP/1.1\r\nHost: 169.254.169.254\r\nUser-Agent: brume-init\r\nConnection: close\r\n";
  if (method == "PUT") out += "Content-Length: 0\r\n";
  out += headers;
  return out + "\r\n";
}

}  // namespace brume::init
