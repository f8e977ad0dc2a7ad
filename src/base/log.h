// The daemon's log: one line an event on standard error, "<time> <level> <text>". Never put a secret in one.
#pragma once

#include <string_view>

#include <fmt/format.h>

namespace brume {

void write_log(std::string_view level, std::string_view text);

template <typename... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  write_log("info", fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  write_log("warning", fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  write_log("error", fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace brume
