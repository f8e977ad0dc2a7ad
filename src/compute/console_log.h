// What the monitor writes of an instance's output, as the plain text that it was.
//
// conmon's "k8s-file" lines: time, stream, F (the line ended here) or P (it goes on), text. Pure.
#pragma once

#include <string>
#include <string_view>

namespace brume::compute {

// The text of the log, at most its last `limit` bytes. A first line that is cut, or one that is not understood, is left
// out.
std::string console_text(std::string_view log, std::size_t limit);

}  // namespace brume::compute
