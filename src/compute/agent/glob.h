// Which files a file_path names.
//
// Pure. Within one folder's name `*`, `?`, `[a-z]`, `[!a]`, `{one,two}` and `\` as in shells; `**` passes any number of
// folders too, also within a name ("/var/log/**.log" is every .log below /var/log), as in the CloudWatch agent.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace brume::agent {

class Glob {
 public:
  explicit Glob(std::string pattern);

  [[nodiscard]] const std::string& pattern() const { return pattern_; }
  // Without wildcards: the path itself.
  [[nodiscard]] bool is_path() const { return is_path_; }
  [[nodiscard]] bool matches(std::string_view path) const;
  // The folder below which all that matches lies, without wildcards.
  [[nodiscard]] const std::string& root() const { return root_; }
  // How many folders below the root a match may lie; negative: any number.
  [[nodiscard]] int depth() const { return depth_; }

 private:
  std::string pattern_, root_;
  std::vector<std::string> alternatives_;  // the pattern with its braces written out
  bool is_path_ = false;
  int depth_ = 0;
};

// Files that are passed over, as the CloudWatch agent does: .tar .zst .gz .zip .bz2 .rar (and .xz).
bool is_compressed(std::string_view path);

// Is `name` what a log named `base` may be called once it was rotated away ("app.log.1", "app.log-20261128",
// "app.log.2026-11-28_10")? Only digits and what separates them follow: "app.log.errors" is another log.
bool is_rotated_name(std::string_view base, std::string_view name);

}  // namespace brume::agent
