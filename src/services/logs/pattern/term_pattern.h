// Patterns of plain terms: ERROR "exact phrase" -excluded %regex%, and ?either ?or.
//
// All terms have to be in the message, excluded ones must not. Terms with a question mark count only if there are no
// others: then one of them has to be there; beside others they are ignored (user guide, "Match optional terms").
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "services/logs/pattern/cursor.h"
#include "services/logs/pattern/substring.h"

namespace brume::logs {

class TermPattern {
 public:
  // Errors: InvalidParameterException.
  static Result<TermPattern> parse(Cursor& cursor);

  [[nodiscard]] bool matches(std::string_view message) const;
  [[nodiscard]] std::string_view needle() const;

 private:
  class Term {
   public:
    explicit Term(Substring text) : is_(std::move(text)) {}
    explicit Term(Regex regex) : is_(std::move(regex)) {}
    [[nodiscard]] bool in(std::string_view message) const;
    [[nodiscard]] std::string_view needle() const;

   private:
    std::variant<Substring, Regex> is_;
  };

  // None: it matches everything (" ").
  static Result<std::vector<Term>> term(Cursor& cursor);

  std::vector<Term> all_, any_, none_;
};

}  // namespace brume::logs
