#include "compute/mountinfo.h"

#include <algorithm>

namespace brume::compute {
namespace {

bool octal(char c) {
  return c >= '0' && c <= '7';
}

// Space, tab, newline and backslash are written as a backslash and three octal digits.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && octal(text[i + 1]) && octal(text[i + 2]) && octal(text[i + 3])) {
      out += char((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::vector<Mount> parse_mountinfo(std::string_view text) {
  std::vector<Mount> out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    // Id, parent, device, root, mount point, options, optional fields, "-", type, source, options.
    const std::size_t separator = line.find(" - ");
    if (separator == std::string_view::npos) continue;
    std::string_view rest = line.substr(0, separator);
    for (int field = 0; field < 4; ++field) {
      const std::size_t space = rest.find(' ');
      rest = space == std::string_view::npos ? std::string_view() : rest.substr(space + 1);
    }
    if (rest.empty()) continue;
    const std::string_view after = line.substr(separator + 3);
    out.push_back({unescape(rest.substr(0, rest.find(' '))), std::string(after.substr(0, after.find(' ')))});
  }
  return out;
}

}  // namespace brume::compute
