#include "services/cloudwatch/expression/evaluate.h"

#include <algorithm>

#include "services/cloudwatch/expression/functions.h"

namespace brume::cloudwatch::expression {
namespace {

constexpr std::size_t kMostPoints = 2'000'000;

class Evaluator {
 public:
  Evaluator(Source& source, const Range& range) : source_(source), range_(range) {}

  Result<Value> value_of(const Node& node) {
    BRUME_TRY(value, compute(node));
    BRUME_CHECK(count(value));
    return std::move(value);
  }

 private:
  Result<void> count(const Value& value) {
    points_ += size_of(value);
    if (points_ > kMostPoints)
      return fail("ValidationError", "The expression needs more than {} datapoints", kMostPoints);
    if (const auto* array = std::get_if<Array>(&value); array && array->size() > kMostSeries)
      return fail("ValidationError", "The expression makes an array of more than {} time series", kMostSeries);
    return {};
  }
  static std::size_t size_of(const Value& value) {
    if (const auto* series = std::get_if<Series>(&value)) return series->points.size();
    std::size_t sum = 1;
    if (const auto* array = std::get_if<Array>(&value))
      for (const Series& series : *array) sum += series.points.size() + 1;
    return sum;
  }

  Result<Value> compute(const Node& node) {
    switch (node.kind) {
      case Node::Kind::number:
        return Value(node.number);
      case Node::Kind::id:
        return source_.query(node.text);
      case Node::Kind::text:
        return fail("ValidationError", "The text \"{}\" is not a value", node.text);
      case Node::Kind::word:
        return fail("ValidationError", "'{}' is not a value; ids of metrics begin with a small letter", node.text);
      case Node::Kind::array:
        return array(node);
      case Node::Kind::minus: {
        BRUME_TRY(operand, value_of(node.children[0]));
        return each_value(operand, [](double v) { return std::optional(-v); });
      }
      case Node::Kind::binary:
        return chain(node);
      case Node::Kind::call:
        return call(node);
    }
    return fail_internal("a node of no kind");
  }

  // a + b + c + … is as deep as it is long: from its first operand on, without recursion.
  Result<Value> chain(const Node& node) {
    std::vector<const Node*> operators;
    const Node* first = &node;
    for (; first->kind == Node::Kind::binary; first = &first->children[0]) operators.push_back(first);
    BRUME_TRY(value, value_of(*first));
    for (auto op = operators.rbegin(); op != operators.rend(); ++op) {
      BRUME_TRY(right, value_of((*op)->children[1]));
      BRUME_TRY(combined, combine((*op)->text, value, right));
      BRUME_CHECK(count(combined));
      value = std::move(combined);
    }
    return std::move(value);
  }

  Result<Value> array(const Node& node) {
    Array out;
    for (const Node& child : node.children) {
      BRUME_TRY(item, value_of(child));
      if (std::holds_alternative<double>(item))
        return fail("ValidationError", "An array holds time series; '{}' is a number", format(child));
      if (auto* series = std::get_if<Series>(&item)) out.push_back(std::move(*series));
      if (auto* inner = std::get_if<Array>(&item))
        out.insert(out.end(), std::make_move_iterator(inner->begin()), std::make_move_iterator(inner->end()));
      if (out.size() > kMostSeries) break;  // count() tells
    }
    return Value(std::move(out));
  }

  Result<Value> call(const Node& node) {
    const std::string& name = node.text;
    const std::vector<Node>& given = node.children;
    if (name == "METRICS") {
      if (given.size() > 1 || (given.size() == 1 && given[0].kind != Node::Kind::text))
        return fail("ValidationError", "METRICS() takes nothing, or a text that ids contain");
      BRUME_TRY(all, source_.metrics(given.empty() ? "" : given[0].text));
      return Value(std::move(all));
    }
    if (name == "SEARCH") return search(given);
    std::vector<Argument> arguments;
    for (const Node& child : given) {
      if (child.kind == Node::Kind::word) {
        arguments.push_back({.word = child.text, .value = 0.0});
        continue;
      }
      BRUME_TRY(value, value_of(child));
      arguments.push_back({.word = "", .value = std::move(value)});
    }
    return call_function(name, arguments, range_);
  }

  Result<Value> search(const std::vector<Node>& given) {
    if (given.size() < 2 || given.size() > 3 || given[0].kind != Node::Kind::text ||
        given[1].kind != Node::Kind::text || (given.size() == 3 && given[2].kind != Node::Kind::number))
      return fail("ValidationError", "SEARCH() takes a search in quotes, a statistic in quotes, and a period");
    BRUME_TRY(read, parse_search(given[0].text));
    std::optional<std::chrono::seconds> period;
    if (given.size() == 3) {
      if (given[2].number < 1 || given[2].number > 86400 || given[2].number != std::floor(given[2].number))
        return fail("ValidationError", "The period {} of SEARCH() is not one from 1 to 86400", given[2].number);
      period = std::chrono::seconds(std::int64_t(given[2].number));
    }
    BRUME_TRY(found, source_.search(read, given[1].text, period));
    return Value(std::move(found));
  }

  Source& source_;
  const Range& range_;
  std::size_t points_ = 0;
};

}  // namespace

Result<Value> evaluate(const Node& node, Source& source, const Range& range) {
  return Evaluator(source, range).value_of(node);
}

}  // namespace brume::cloudwatch::expression
