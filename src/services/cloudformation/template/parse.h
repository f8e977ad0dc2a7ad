// Text to tree: YAML with CloudFormation's short tags (`!Ref x` becomes {"Ref": "x"}), or JSON.
//
// Bounded: 51,200 bytes (of a template), 64 levels deep, no aliases; a key twice in one map is refused. Errors:
// ValidationError "Template format error: … (line N)". Leaves what the sections mean to template.h.
#pragma once

#include <string_view>

#include "services/cloudformation/template/value.h"

namespace brume::cloudformation::templates {

inline constexpr std::size_t kMaxBody = 51'200;
inline constexpr int kMaxDepth = 64;

// JSON if the text begins with `{`, otherwise YAML.
Result<Value> parse_text(std::string_view text);
Result<Value> parse_yaml(std::string_view text);
// Also for values of our own that were written by to_json_text (no limit on size).
Result<Value> parse_json(std::string_view text);

template <typename... Args>
std::unexpected<Error> format_error(int line, fmt::format_string<Args...> format, Args&&... args) {
  std::string text = fmt::format(format, std::forward<Args>(args)...);
  return line > 0 ? fail("ValidationError", "Template format error: {} (line {})", text, line)
                  : fail("ValidationError", "Template format error: {}", text);
}

}  // namespace brume::cloudformation::templates
