// A metric maths expression as a tree ("Using math expressions", CloudWatch user guide: operators and functions).
//
// Strict: nothing may follow the expression, words are those of the language, nesting is at most 32 deep (the API
// bounds the length: 2,048 characters). Leaves to evaluate.h whether functions exist and get what they want.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace brume::cloudwatch::expression {

struct Node {
  enum class Kind : std::uint8_t {
    number,
    text,   // in quotes
    id,     // of a query: begins with a lower-case letter
    word,   // AVG, DESC, REPEAT: a name in capitals without parentheses
    call,   // `text` is the function's name
    array,  // [a, b]
    minus,  // of one operand
    binary  // `text` is the operator: + - * / ^ == != < <= > >= AND OR
  } kind = Kind::number;
  double number = 0;
  std::string text;
  std::vector<Node> children;
};

// Errors: ValidationError saying what is wrong and where.
Result<Node> parse(std::string_view text);

// As parse() reads it, with all parentheses: for tests.
std::string format(const Node& node);

// Visits a tree's nodes, parents first.
template <typename F>
void each_node(const Node& node, F&& visit) {
  visit(node);
  for (const Node& child : node.children) each_node(child, visit);
}

}  // namespace brume::cloudwatch::expression
