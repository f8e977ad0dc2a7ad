#include "cli/live_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

namespace brume::cli {
namespace {

std::size_t columns() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string elapsed(std::chrono::seconds time) {
  return fmt::format("{}:{:02}", time.count() / 60, time.count() % 60);
}

LiveLine::LiveLine() : terminal_(::isatty(STDOUT_FILENO) == 1) {}

void LiveLine::wipe() {
  if (std::exchange(shown_, false)) std::printf("\r\033[K");
  std::fflush(stdout);
}

void LiveLine::say(std::string_view line) {
  wipe();
  std::printf("%.*s\n", int(line.size()), line.data());
  std::fflush(stdout);
}

void LiveLine::meanwhile(std::string_view text) {
  if (!terminal_) return;
  wipe();
  const auto time = std::chrono::floor<std::chrono::seconds>(std::chrono::steady_clock::now() - began_);
  const std::string line = fmt::format("{:>5}  {}", elapsed(time), text);
  std::printf("%.*s", int(std::min(line.size(), columns() - 1)), line.data());
  std::fflush(stdout);
  shown_ = true;
}

}  // namespace brume::cli
