// What the monitor writes of an instance's output, as the plain text that it was.
//
// conmon's "k8s-file" lines: time, stream, F (the line ended here) or P (it goes on), text. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compute/console_source.h"

namespace brume::compute {

// The text of the log, at most its last `limit` bytes. A first line that is cut, or one that is not understood, is left
// out.
std::string console_text(std::string_view log, std::size_t limit);

struct ConsoleLines {
  std::vector<ConsoleLine> lines;
  std::size_t used = 0;  // bytes of the log that they are made of
};
// The lines that have ended, each with the time of its beginning; with `to_the_end` also the last one, which has not.
// Empty ones are left out; one of more than 64 KiB is cut into several. What is no UTF-8 becomes U+FFFD.
ConsoleLines console_lines(std::string_view log, bool to_the_end);

}  // namespace brume::compute
