#include "compute/agent/glob.h"

#include <algorithm>

namespace brume::agent {
namespace {

constexpr std::size_t kMaxAlternatives = 64;
constexpr std::string_view kWild = "*?[{\\";

// "a{b,c}d" as "abd" and "acd". More than kMaxAlternatives are left out.
void write_out(std::string_view pattern, std::vector<std::string>& out) {
  std::size_t open = std::string_view::npos;
  for (std::size_t i = 0; i < pattern.size() && open == std::string_view::npos; ++i) {
    if (pattern[i] == '\\')
      ++i;
    else if (pattern[i] == '{')
      open = i;
  }
  const std::size_t close = open == std::string_view::npos ? open : pattern.find('}', open);
  if (close == std::string_view::npos) {
    if (out.size() < kMaxAlternatives) out.emplace_back(pattern);
    return;
  }
  std::string_view choices = pattern.substr(open + 1, close - open - 1);
  for (;;) {
    const std::size_t comma = std::min(choices.find(','), choices.size());
    std::string one(pattern.substr(0, open));
    one += choices.substr(0, comma);
    one += pattern.substr(close + 1);
    write_out(one, out);
    if (comma == choices.size() || out.size() >= kMaxAlternatives) return;
    choices.remove_prefix(comma + 1);
  }
}

// Does `c` belong to the class that begins behind '[' at `i`? `i` is moved to its ']'. Without one: npos.
bool in_class(std::string_view pattern, std::size_t& i, char c) {
  std::size_t at = i + 1;
  const bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (negated) ++at;
  bool found = false;
  for (bool first = true; at < pattern.size() && (first || pattern[at] != ']'); first = false, ++at) {
    if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
    const char low = pattern[at];
    char high = low;
    if (at + 2 < pattern.size() && pattern[at + 1] == '-' && pattern[at + 2] != ']') {
      high = pattern[at + 2];
      at += 2;
    }
    found = found || (low <= c && c <= high);
  }
  i = at < pattern.size() ? at : std::string_view::npos;
  return found != negated;
}

// With the last star as the only place to go back to: what an earlier one could take, the last one can. `**` is a star
// that passes slashes, so a place for it is kept beside.
bool match(std::string_view pattern, std::string_view path) {
  struct Place {
    std::size_t pattern = std::string_view::npos, path = 0;
  };
  Place star, deep;
  std::size_t p = 0, t = 0;
  for (;;) {
    if (p < pattern.size() && pattern[p] == '*') {
      if (p + 1 < pattern.size() && pattern[p + 1] == '*') {
        p += 2;
        deep = {p, t};
        star = {};
      } else {
        star = {++p, t};
      }
      continue;
    }
    if (p == pattern.size() && t == path.size()) return true;
    bool same = false;
    std::size_t next = p;
    if (p < pattern.size() && t < path.size()) {
      const char c = path[t];
      if (pattern[p] == '?') {
        same = c != '/';
      } else if (pattern[p] == '[') {
        same = in_class(pattern, next, c) && next != std::string_view::npos && c != '/';
        if (next == std::string_view::npos) next = p;
      } else {
        if (pattern[p] == '\\' && p + 1 < pattern.size()) next = p + 1;
        same = pattern[next] == c;
      }
    }
    if (same) {
      p = next + 1;
      ++t;
    } else if (star.pattern != std::string_view::npos && star.path < path.size() && path[star.path] != '/') {
      p = star.pattern;
      t = ++star.path;
    } else if (deep.pattern != std::string_view::npos && deep.path < path.size()) {
      p = deep.pattern;
      t = ++deep.path;
      star = {};
    } else {
      return false;
    }
  }
}

}  // namespace

Glob::Glob(std::string pattern) : pattern_(std::move(pattern)) {
  write_out(pattern_, alternatives_);
  const std::size_t wild = pattern_.find_first_of(kWild);
  is_path_ = wild == std::string::npos;
  const std::size_t slash = pattern_.rfind('/', std::min(wild, pattern_.size()));
  root_ = slash == std::string::npos || slash == 0 ? "/" : pattern_.substr(0, slash);
  for (const std::string& one : alternatives_) {
    const auto slashes = int(std::count(one.begin() + std::ptrdiff_t(std::min(one.size(), slash + 1)), one.end(), '/'));
    if (one.find("**") != std::string::npos) depth_ = -1;
    if (depth_ >= 0) depth_ = std::max(depth_, slashes);
  }
}

bool Glob::matches(std::string_view path) const {
  if (is_path_) return path == pattern_;
  return std::ranges::any_of(alternatives_, [&](const std::string& one) { return match(one, path); });
}

bool is_compressed(std::string_view path) {
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{".tar", ".zst", ".gz", ".zip", ".bz2", ".rar", ".xz"},
      [&](std::string_view suffix) { return path.ends_with(suffix); });
}

bool is_rotated_name(std::string_view base, std::string_view name) {
  if (!name.starts_with(base) || name.size() < base.size() + 2) return false;
  const std::string_view rest = name.substr(base.size());
  return (rest[0] == '.' || rest[0] == '-' || rest[0] == '_') &&
         rest.find_first_not_of("0123456789.-_:T") == std::string_view::npos &&
         rest.find_first_of("0123456789") != std::string_view::npos;
}

}  // namespace brume::agent
