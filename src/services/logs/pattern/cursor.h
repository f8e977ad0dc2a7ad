// A place in a filter pattern that is being read, and what is said of it when it is wrong.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "services/logs/pattern/regex.h"

namespace brume::logs {

class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  // '\0' at the end.
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  [[nodiscard]] std::string_view ahead() const { return text_.substr(at_); }
  void skip(std::size_t characters = 1) { at_ += characters; }
  void skip_spaces();
  // Goes behind `token` if it comes next.
  bool take(std::string_view token);
  // The characters that come next as long as `belongs` says so, and goes behind them.
  template <typename Belongs>
  std::string_view take_while(Belongs belongs) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && belongs(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  [[nodiscard]] std::size_t position() const { return at_; }
  void go_back_to(std::size_t position) { at_ = position; }

  // "…", in which \" and \\ are a quote and a backslash. The opening quote comes next.
  Result<std::string> quoted();
  // %…%, of which there may be two in a pattern (the user guide's quota). The percent sign comes next.
  Result<Regex> regex();
  [[nodiscard]] int regexes() const { return regexes_; }

  // InvalidParameterException that says `what` is wrong, and where: here.
  [[nodiscard]] std::unexpected<Error> wrong(std::string_view what) const;
  // The same for a character that cannot be here, as AWS words it.
  [[nodiscard]] std::unexpected<Error> wrong_character() const;

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  int regexes_ = 0;
};

}  // namespace brume::logs
