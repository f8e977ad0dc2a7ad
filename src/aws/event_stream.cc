#include "aws/event_stream.h"

#include <cstdint>

#include <zlib.h>

#include "base/json.h"

namespace brume::aws {
namespace {

void put(std::string& out, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(char(number >> shift & 0xFF));
}

std::uint32_t checksum(std::string_view bytes) {
  return std::uint32_t(crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), uInt(bytes.size())));
}

constexpr char kString = 7;                     // the type of a header's value
constexpr std::size_t kPrelude = 12, kSum = 4;  // bytes: two lengths and their sum; a sum

}  // namespace

std::string event_message(const std::vector<std::pair<std::string_view, std::string_view>>& headers,
                          std::string_view payload) {
  std::string written;
  for (const auto& [name, value] : headers) {
    written.push_back(char(name.size()));
    written += name;
    written.push_back(kString);
    written.push_back(char(value.size() >> 8 & 0xFF));
    written.push_back(char(value.size() & 0xFF));
    written += value;
  }
  std::string message;
  put(message, std::uint32_t(kPrelude + written.size() + payload.size() + kSum));
  put(message, std::uint32_t(written.size()));
  put(message, checksum(message));
  message += written;
  message += payload;
  put(message, checksum(message));
  return message;
}

bool EventWriter::write(std::string_view event_type, std::string_view json) {
  return body_->write(event_message(
      {{":event-type", event_type}, {":content-type", "application/json"}, {":message-type", "event"}}, json));
}

void EventWriter::fail(std::string_view code, std::string_view message) {
  body_->write(
      event_message({{":exception-type", code}, {":content-type", "application/json"}, {":message-type", "exception"}},
                    fmt::format("{{\"message\":{}}}", json_quote(message))));
  body_->end();
}

}  // namespace brume::aws
