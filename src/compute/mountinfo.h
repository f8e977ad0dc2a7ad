// The mounts of this process's namespace, from the text of /proc/self/mountinfo (proc(5)). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace brume::compute {

struct Mount {
  std::string point;
  std::string type;
};

// In the order of the text; lines that are not understood are left out.
std::vector<Mount> parse_mountinfo(std::string_view text);

}  // namespace brume::compute
