// Reads the expressions of a query, and resolves the names in them to slots of the stage at hand.
//
// Loosest first: or, and, not, comparisons (with like, =~, in), + and -, * / %, minus, ^. Nesting is at most 64 deep.
// primaries.cc has values, names and calls; parser.h, which derives from this, reads commands.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "services/logs/insights/lexer.h"
#include "services/logs/insights/plan.h"

namespace brume::logs::insights {

class ExpressionParser {
 protected:
  ExpressionParser(std::string_view text, Timestamp now) : lexer_(text), now_(now) { plan_.stages.emplace_back(); }

  // Reads the next token, the one that peek() then is.
  Result<void> advance();
  [[nodiscard]] const Token& peek() const { return token_; }
  [[nodiscard]] bool at_symbol(std::string_view symbol) const;
  [[nodiscard]] bool at_word(std::string_view word) const;
  [[nodiscard]] std::unexpected<Error> wrong(const Token& token, std::string_view sentence) const;
  // "Expected ...", at the token at hand.
  [[nodiscard]] std::unexpected<Error> expected(std::string_view what) const;
  Result<void> take(std::string_view symbol);
  // Puts a place to the error of something that does not know it.
  template <typename T>
  Result<T> at(const Token& token, Result<T> result) const {
    if (!result) return wrong(token, result.error().message);
    return result;
  }
  // The slash at hand begins a regular expression: its pattern.
  Result<Token> take_regex();

  Result<Node> expression() { return either(); }
  Result<Node> primary();
  // As the query has it, runs of spaces as one: the name of a column without alias.
  [[nodiscard]] std::string source(std::size_t begin, std::size_t end) const;

  Stage& stage() { return plan_.stages.back(); }
  // The field that a name means here. Errors: it is not a column of the stats command before.
  Result<Node> resolve(const Token& token);
  Result<Node> resolve(const Token& token, const std::string& name);
  Node slot(Slot slot);
  // From here on `name` is this slot. Errors: it is given already.
  Result<void> give(const Token& token, const std::string& name, Node node, bool alias);

  Plan plan_;
  std::map<std::string, Node, std::less<>> names_;    // of the stage
  std::map<std::string, bool, std::less<>> given_;    // names of the stage that the query gave
  std::map<std::string, Node, std::less<>> results_;  // while a stats command is read: its aliases so far
  bool in_stats_ = false;     // reading the results of a stats command, outside of an aggregation's argument
  std::size_t last_end_ = 0;  // where the token before the one at hand ended

 private:
  Result<Node> either();
  Result<Node> both();
  Result<Node> negation();
  Result<Node> comparison();
  Result<Node> pattern(Node left, bool only_regex);
  Result<Node> one_of(Node left);
  Result<Node> sum();
  Result<Node> product();
  Result<Node> minus();
  Result<Node> power();
  Result<Node> call(const Token& name);
  Result<Node> period_call(const Token& name);
  Result<Node> aggregate(const Token& name, Aggregate::Kind kind);
  Result<std::vector<Node>> arguments();
  Result<void> deeper();
  // A column of the stats command before that has the text of an expression for its name, here.
  Result<bool> column_by_text(Node& out);

  Lexer lexer_;
  Timestamp now_;
  Token token_;
  int depth_ = 0;
};

}  // namespace brume::logs::insights
