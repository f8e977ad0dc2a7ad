#include "compute/init/console.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>

namespace brume::init {

double seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return double(now.tv_sec) + double(now.tv_nsec) / 1e9;
}

namespace {
const double started = seconds();
}

void say(const char* format, ...) {
  char line[512];
  int n = ::snprintf(line, sizeof line, "[%10.6f] brume-init: ", seconds() - started);
  va_list arguments;
  va_start(arguments, format);
  n += ::vsnprintf(line + n, sizeof line - std::size_t(n) - 1, format, arguments);
  va_end(arguments);
  if (n > int(sizeof line) - 2) n = int(sizeof line) - 2;
  line[n++] = '\n';
  if (::write(STDOUT_FILENO, line, std::size_t(n)) < 0) return;  // no console: nowhere to tell it
}

}  // namespace brume::init
