// HTTP/1.1 as far as brume-init speaks it to the metadata service. Pure; no allocation beyond the body.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace brume::init {

inline constexpr std::size_t kMaxResponse = 64 << 10;  // user data is at most 16 KB

struct Response {
  int status = 0;
  std::string body;
};

enum class Reading { more, done, broken };

// Reads a response from all bytes that came so far; `ended`: no more will. `out` is set when it is done.
Reading read_response(std::string_view bytes, bool ended, Response& out);

// A request without a body. `headers`: lines that end in CRLF.
std::string request(std::string_view method, std::string_view path, std::string_view headers);

}  // namespace brume::init
