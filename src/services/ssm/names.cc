#include "services/ssm/names.h"

#include <algorithm>
#include <cctype>

namespace brume::ssm {

Result<void> check_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-' || c == '/';
  };
  if (name.empty() || !std::ranges::all_of(name, allowed))
    return fail(
        "ValidationException",
        "Parameter name: can't be empty and can only contain letters, digits and the symbols . - _ /, was \"{}\"",
        name);
  if (name.find('/') != std::string_view::npos && name.front() != '/')
    return fail("ValidationException", "Parameter name must be a fully qualified name.");
  if (std::ranges::count(name, '/') > 15)
    return fail("HierarchyLevelLimitExceededException", "A hierarchy can have at most 15 levels.");
  std::string first(name.substr(name.front() == '/' ? 1 : 0, 3));
  std::ranges::transform(first, first.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  if (first == "aws" || first == "ssm")
    return fail("ValidationException", "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).");
  return {};
}

bool is_below(std::string_view name, std::string_view path, bool recursive) {
  if (path.ends_with('/')) path.remove_suffix(1);
  if (name.size() <= path.size() + 1 || !name.starts_with(path) || name[path.size()] != '/') return false;
  return recursive || name.find('/', path.size() + 1) == std::string_view::npos;
}

}  // namespace brume::ssm
