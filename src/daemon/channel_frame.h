// What goes over a session's data channel: binary WebSocket messages, a byte that says what it is and the rest.
//
// Ours, and simple: the order and integrity of the bytes are TCP's. (AWS's session-manager-plugin speaks a protocol of
// its own there; it asks for no subprotocol, and is refused.) Integers are big-endian. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace brume::daemon {

inline constexpr const char* kChannelProtocol = "brume.session.v1";  // the WebSocket's subprotocol
inline constexpr const char* kChannelPath = "/v1/data-channel/";
inline constexpr std::size_t kMaxFrame = 64 << 10;      // of the bytes that a frame carries
inline constexpr std::size_t kInputWindow = 256 << 10;  // input that a client may send before it is told of its taking

enum class Frame : unsigned char {
  // From the client.
  input = 0,         // bytes for the program or the port
  end_of_input = 1,  // no more comes
  resize = 2,        // of the terminal: rows, columns, two bytes each
  signal = 3,        // its number, a byte
  // To the client.
  output = 16,  // bytes
  errors = 17,  // bytes of the error output
  taken = 18,   // so many bytes of input have gone their way, four bytes
  exit = 19,    // the program's status, a byte, or 0 when a connection has ended; the last frame
  failure = 20  // a sentence; the last frame
};

std::string frame(Frame kind, std::string_view bytes = {});
std::string resize_frame(unsigned rows, unsigned columns);
std::string taken_frame(std::size_t bytes);

struct ReadFrame {
  Frame kind;
  std::string_view bytes;
  unsigned numbers[2] = {0, 0};  // of resize, signal, taken, exit
};
// Nothing for what is none.
std::optional<ReadFrame> read_frame(std::string_view message);

}  // namespace brume::daemon
