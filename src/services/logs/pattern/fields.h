// The fields of an event, one after the other: words, and what is in double quotes or brackets.
//
// Copies nothing. A quote or bracket that nothing closes is a part of its word. What comes right behind a closing one
// begins a new field. In quotes, \" does not close.
#pragma once

#include <optional>
#include <string_view>

namespace brume::logs {

class Fields {
 public:
  explicit Fields(std::string_view message);

  // The next one, without its quotes or brackets; none at the end.
  std::optional<std::string_view> next();
  // The next one if it is the last, else all that is left, as it is written; none at the end.
  std::optional<std::string_view> rest();

 private:
  void skip_spaces();
  std::optional<std::string_view> enclosed();

  std::string_view left_;
  bool quotes_ = true, brackets_ = true;  // some may still be closed
};

}  // namespace brume::logs
