#include "base/log.h"

#include <unistd.h>

#include <chrono>

#include "base/time.h"

namespace brume {

void write_log(std::string_view level, std::string_view text) {
  // The one use of the system clock outside env/: a log line says when it was written, and decides nothing.
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const std::string line = fmt::format("{} {} {}\n", to_iso8601(now, true), level, text);
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace brume
