// A text to be found in many others, fast.
//
// Looks for the byte of it that is rarest in logs and compares around it; where that byte misleads often, it goes over
// to memmem, so that no message costs more than its length. Allocates nothing once made.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace brume::logs {

class Substring {
 public:
  // Must not be empty.
  explicit Substring(std::string text);
  [[nodiscard]] bool in(std::string_view message) const;
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::size_t rare_ = 0;  // where in text_ its rarest byte is
};

}  // namespace brume::logs
