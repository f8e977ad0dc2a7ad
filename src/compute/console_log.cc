#include "compute/console_log.h"

#include <algorithm>

namespace brume::compute {

std::string console_text(std::string_view log, std::size_t limit) {
  std::string text;
  while (!log.empty()) {
    const std::string_view line = log.substr(0, log.find('\n'));
    log.remove_prefix(std::min(log.size(), line.size() + 1));
    std::string_view rest = line;
    std::string_view fields[3];
    bool complete = true;
    for (std::string_view& field : fields) {
      const std::size_t space = rest.find(' ');
      if (space == std::string_view::npos) {
        complete = false;
        break;
      }
      field = rest.substr(0, space);
      rest.remove_prefix(space + 1);
    }
    if (!complete || (fields[1] != "stdout" && fields[1] != "stderr") || (fields[2] != "F" && fields[2] != "P"))
      continue;
    text += rest;
    if (fields[2] == "F") text += '\n';
  }
  if (text.size() > limit) text.erase(0, text.size() - limit);
  return text;
}

}  // namespace brume::compute
