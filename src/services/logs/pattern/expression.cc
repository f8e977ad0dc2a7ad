#include "services/logs/pattern/expression.h"

namespace brume::logs {
namespace {

constexpr int kDeepest = 64;

class Parser {
 public:
  Parser(Cursor& cursor, const std::function<Result<void>()>& condition) : cursor_(cursor), condition_(condition) {}

  // any_of over all_of over single ones.
  Result<Expression::Node> list(Expression::Kind kind) {
    const bool any = kind == Expression::Kind::any_of;
    Expression::Node out{.kind = kind, .children = {}};
    do {
      BRUME_TRY(item, any ? list(Expression::Kind::all_of) : one());
      out.children.push_back(std::move(item));
      cursor_.skip_spaces();
    } while (cursor_.take(any ? "||" : "&&"));
    if (out.children.size() > 1) return out;
    Expression::Node only = std::move(out.children.front());
    return only;
  }

 private:
  Result<Expression::Node> one() {
    cursor_.skip_spaces();
    if (cursor_.take("(")) {
      if (++depth_ > kDeepest) return cursor_.wrong(fmt::format("parentheses are more than {} deep", kDeepest));
      BRUME_TRY(inner, list(Expression::Kind::any_of));
      --depth_;
      if (!cursor_.take(")")) return cursor_.wrong_character();
      return std::move(inner);
    }
    if (conditions_ == Expression::kMostConditions)
      return cursor_.wrong(fmt::format("it has more than {} conditions", Expression::kMostConditions));
    BRUME_CHECK(condition_());
    return Expression::Node{.condition = conditions_++, .children = {}};
  }

  Cursor& cursor_;
  const std::function<Result<void>()>& condition_;
  std::size_t conditions_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<Expression> Expression::parse(Cursor& cursor, const std::function<Result<void>()>& condition) {
  BRUME_TRY(root, Parser(cursor, condition).list(Kind::any_of));
  Expression out;
  out.root_ = std::move(root);
  return out;
}

Truth Expression::decide(const Node& node, std::span<const Truth> known) {
  if (node.kind == Kind::condition) return known[node.condition];
  const Truth enough = node.kind == Kind::all_of ? Truth::no : Truth::yes;
  Truth out = node.kind == Kind::all_of ? Truth::yes : Truth::no;
  for (const Node& child : node.children) {
    const Truth is = decide(child, known);
    if (is == enough) return enough;
    if (is == Truth::unknown) out = Truth::unknown;
  }
  return out;
}

std::string_view needle_of(const Expression::Node& node, const std::function<std::string_view(std::size_t)>& needle) {
  if (node.kind == Expression::Kind::condition) return needle(node.condition);
  std::string_view best;
  if (node.kind == Expression::Kind::all_of)
    for (const Expression::Node& child : node.children)
      if (const std::string_view found = needle_of(child, needle); found.size() > best.size()) best = found;
  return best;
}

}  // namespace brume::logs
