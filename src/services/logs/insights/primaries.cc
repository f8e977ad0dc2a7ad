#include <algorithm>
#include <optional>
#include <utility>

#include "services/logs/insights/expression_parser.h"

namespace brume::logs::insights {
namespace {

using Op = Node::Op;

Node constant(const Value& value) {
  Node node;
  node.constant = OwnedValue(value);
  return node;
}

struct Aggregation {
  std::string_view name;
  Aggregate::Kind kind;
};
using Kind = Aggregate::Kind;
constexpr Aggregation kAggregations[] = {{"count", Kind::count},
                                         {"count_distinct", Kind::count_distinct},
                                         {"sum", Kind::sum},
                                         {"avg", Kind::average},
                                         {"min", Kind::minimum},
                                         {"max", Kind::maximum},
                                         {"stddev", Kind::deviation},
                                         {"pct", Kind::percentile},
                                         {"percentile", Kind::percentile},
                                         {"median", Kind::percentile},
                                         {"earliest", Kind::earliest},
                                         {"latest", Kind::latest},
                                         {"sortsFirst", Kind::sorts_first},
                                         {"sortsLast", Kind::sorts_last}};

std::optional<Kind> aggregation(std::string_view name) {
  for (const Aggregation& known : kAggregations)
    if (same_word(known.name, name)) return known.kind;
  return std::nullopt;
}

}  // namespace

Result<Node> ExpressionParser::primary() {
  const Token token = peek();
  switch (token.kind) {
    case Token::Kind::number:
      BRUME_CHECK(advance());
      return constant(Value::of(token.number));
    case Token::Kind::text:
      BRUME_CHECK(advance());
      return constant(Value::of(std::string_view(token.value)));
    case Token::Kind::period:
      return wrong(token, "A period of time belongs into bin, datefloor or dateceil");
    case Token::Kind::symbol: {
      if (token.value != "(") return expected("a field, a value or a function");
      BRUME_CHECK(advance());
      BRUME_TRY(inner, expression());
      BRUME_CHECK(take(")"));
      return std::move(inner);
    }
    case Token::Kind::name: {
      Node column;
      if (!in_stats_) {
        BRUME_TRY(found, column_by_text(column));
        if (found) return column;
      }
      BRUME_CHECK(advance());
      if (!token.quoted && at_symbol("(")) return call(token);
      if (!token.quoted && (same_word(token.value, "true") || same_word(token.value, "false")))
        return constant(Value::of(same_word(token.value, "true")));
      return resolve(token);
    }
    case Token::Kind::end:
      break;
  }
  return expected("a field, a value or a function");
}

Result<std::vector<Node>> ExpressionParser::arguments() {
  std::vector<Node> out;
  BRUME_CHECK(take("("));
  while (!at_symbol(")")) {
    if (!out.empty()) BRUME_CHECK(take(","));
    BRUME_TRY(argument, expression());
    out.push_back(std::move(argument));
  }
  BRUME_CHECK(advance());
  return out;
}

Result<Node> ExpressionParser::call(const Token& name) {
  if (same_word(name.value, "now")) {
    BRUME_CHECK(take("("));
    BRUME_CHECK(take(")"));
    return constant(Value::of(double(std::chrono::floor<std::chrono::seconds>(now_).time_since_epoch().count())));
  }
  if (same_word(name.value, "bin") || same_word(name.value, "datefloor") || same_word(name.value, "dateceil"))
    return period_call(name);
  if (const std::optional<Kind> kind = aggregation(name.value)) return aggregate(name, *kind);
  const Function* function = find_function(name.value);
  if (function == nullptr) return wrong(name, fmt::format("There is no function '{}' in Brume", name.value));
  Node node;
  node.op = Op::call;
  node.function = function;
  BRUME_TRY(taken, arguments());
  node.operands = std::move(taken);
  const std::size_t count = node.operands.size();
  if (count < function->fewest || count > function->most)
    return wrong(name, fmt::format("{} takes {} arguments, not {}", name.value,
                                   function->fewest == function->most
                                       ? fmt::format("{}", function->fewest)
                                       : fmt::format("{} to {}", function->fewest, function->most),
                                   count));
  if (function->name.ends_with("insubnet") && node.operands[1].op == Op::constant &&
      !is_address_block(node.operands[1].constant.text))
    return wrong(name, fmt::format("'{}' is no address block; write one as 192.0.2.0/24 or 2001:db8::/32",
                                   node.operands[1].constant.text));
  return node;
}

Result<Node> ExpressionParser::period_call(const Token& name) {
  BRUME_CHECK(take("("));
  Node node;
  node.op = same_word(name.value, "dateceil") ? Op::date_ceil : Op::date_floor;
  if (same_word(name.value, "bin")) {
    // bin is of @timestamp, whatever that is here.
    BRUME_TRY(time, resolve(name, "@timestamp"));
    node.operands.push_back(std::move(time));
  } else {
    BRUME_TRY(time, expression());
    node.operands.push_back(std::move(time));
    BRUME_CHECK(take(","));
  }
  Token count = peek();
  if (count.kind == Token::Kind::number) {
    // "5 minutes", or a number without its unit.
    BRUME_CHECK(advance());
    if (peek().kind != Token::Kind::name) return expected("a unit of time, as in 5m or 1h,");
    count.value = peek().value;
    count.end = peek().end;
  } else if (count.kind != Token::Kind::period) {
    return expected("a period of time, as 5m or 1h,");
  }
  BRUME_TRY(period, at(count, to_period(count.number, count.value)));
  node.period = period;
  BRUME_CHECK(advance());
  BRUME_CHECK(take(")"));
  return node;
}

Result<Node> ExpressionParser::aggregate(const Token& name, Kind kind) {
  if (!in_stats_)
    return wrong(name, fmt::format("{} is of many records: it works in the results of a stats command, and not within "
                                   "another such function",
                                   name.value));
  Aggregate made;
  made.kind = kind;
  BRUME_CHECK(take("("));
  in_stats_ = false;
  if (kind == Kind::count && (at_symbol("*") || at_symbol(")"))) {
    made.all = true;
    if (at_symbol("*")) BRUME_CHECK(advance());
  } else {
    BRUME_TRY(argument, expression());
    made.argument = std::move(argument);
  }
  if (same_word(name.value, "median")) {
    made.percent = 50;
  } else if (kind == Kind::percentile) {
    BRUME_CHECK(take(","));
    if (peek().kind != Token::Kind::number || peek().number > 100)
      return expected("a percentage from 0 to 100, as in pct(@duration, 95),");
    made.percent = peek().number;
    BRUME_CHECK(advance());
  }
  if (kind == Kind::earliest || kind == Kind::latest) {
    BRUME_TRY(time, resolve(name, "@timestamp"));
    stage().time = time;
    stage().needs_time = true;
  }
  BRUME_CHECK(take(")"));
  in_stats_ = true;
  Node node;
  node.op = Op::aggregate;
  node.index = stage().aggregates.size();
  stage().aggregates.push_back(std::move(made));
  return node;
}

}  // namespace brume::logs::insights
