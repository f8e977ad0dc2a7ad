#include "daemon/channel_frame.h"

namespace brume::daemon {
namespace {

std::string number(std::size_t value, int bytes) {
  std::string out;
  while (bytes-- > 0) out += char((value >> (8 * bytes)) & 0xff);
  return out;
}

unsigned number(std::string_view bytes) {
  unsigned value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

}  // namespace

std::string frame(Frame kind, std::string_view bytes) {
  std::string out(1, char(kind));
  out += bytes;
  return out;
}

std::string resize_frame(unsigned rows, unsigned columns) {
  return frame(Frame::resize, number(rows, 2) + number(columns, 2));
}

std::string taken_frame(std::size_t bytes) {
  return frame(Frame::taken, number(bytes, 4));
}

std::optional<ReadFrame> read_frame(std::string_view message) {
  if (message.empty() || message.size() > kMaxFrame + 1) return std::nullopt;
  ReadFrame out{Frame(message[0]), message.substr(1)};
  const auto sized = [&](std::size_t size) { return out.bytes.size() == size ? std::optional(out) : std::nullopt; };
  switch (out.kind) {
    case Frame::input:
    case Frame::output:
    case Frame::errors:
    case Frame::failure:
      return out;
    case Frame::end_of_input:
      return sized(0);
    case Frame::resize:
      out.numbers[0] = number(out.bytes.substr(0, 2));
      out.numbers[1] = out.bytes.size() == 4 ? number(out.bytes.substr(2)) : 0;
      return sized(4);
    case Frame::signal:
    case Frame::exit:
      out.numbers[0] = number(out.bytes);
      return sized(1);
    case Frame::taken:
      out.numbers[0] = number(out.bytes);
      return sized(4);
  }
  return std::nullopt;
}

}  // namespace brume::daemon
