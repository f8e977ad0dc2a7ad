// What an entry of the configuration says of lines, ready to be applied: encoding, where an event begins, its time,
// which events are left out.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <re2/re2.h>

#include "compute/agent/config.h"
#include "compute/agent/text_encoding.h"
#include "compute/agent/timestamp_format.h"

namespace brume::agent {

class LineRules {
 public:
  // Errors: a sentence that names the member that cannot be followed (an encoding or an expression that is not known);
  // such an entry is not shipped, since what it would send is not what was asked for. A timestamp_format that is not
  // known costs only the times, and goes to `refused`.
  static Result<LineRules> compile(const FileEntry& entry, std::vector<std::string>& refused);

  [[nodiscard]] const TextEncoding& encoding() const { return encoding_; }
  // Does this line begin an event? Else it belongs to the one before. Without a pattern, as in the CloudWatch agent,
  // each line does that is not empty and does not begin with a blank.
  [[nodiscard]] bool begins(std::string_view line, Timestamp now) const;
  [[nodiscard]] std::optional<FoundTime> time(std::string_view event, Timestamp now) const;
  [[nodiscard]] bool is_wanted(std::string_view event) const;
  [[nodiscard]] bool trims_time() const { return trim_timestamp_; }
  // By the blacklist, which is matched against the name without its folders.
  [[nodiscard]] bool is_listed(std::string_view path) const;

 private:
  struct Filter {
    bool include;
    std::unique_ptr<RE2> expression;
  };

  TextEncoding encoding_;
  std::optional<TimestampFormat> timestamp_;
  bool begins_with_time_ = false;
  bool trim_timestamp_ = false;
  std::unique_ptr<RE2> start_, blacklist_;
  std::vector<Filter> filters_;
};

}  // namespace brume::agent
