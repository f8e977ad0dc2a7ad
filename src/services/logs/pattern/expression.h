// Conditions joined by && and ||, with parentheses; && binds tighter (user guide, "() > && > ||").
//
// Decides as soon as it can from those conditions of which the answer is known. Leaves to others what a condition is:
// it knows them by number. Bounded: 150 conditions (1024 characters hold no more), parentheses 64 deep.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "services/logs/pattern/cursor.h"

namespace brume::logs {

enum class Truth : std::uint8_t { unknown, no, yes };

class Expression {
 public:
  static constexpr std::size_t kMostConditions = 150;

  enum class Kind : std::uint8_t { condition, all_of, any_of };
  struct Node {
    Kind kind = Kind::condition;
    std::size_t condition = 0;
    std::vector<Node> children;
  };

  // `condition` reads one at the cursor. Ends before what does not belong to it. Errors: InvalidParameterException.
  static Result<Expression> parse(Cursor& cursor, const std::function<Result<void>()>& condition);

  // `known[i]`: of the condition that was read as number i.
  [[nodiscard]] Truth decide(std::span<const Truth> known) const { return decide(root_, known); }
  [[nodiscard]] const Node& root() const { return root_; }

 private:
  static Truth decide(const Node& node, std::span<const Truth> known);
  Node root_;
};

// The needle of a whole: that of the longest of those that all have to hold, none of alternatives.
// `needle_of(i)` is that of condition i, empty if there is none.
std::string_view needle_of(const Expression::Node& node, const std::function<std::string_view(std::size_t)>& needle);

}  // namespace brume::logs
