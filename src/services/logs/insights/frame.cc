#include "services/logs/insights/frame.h"

#include <cmath>
#include <optional>

namespace brume::logs::insights {
namespace {

using Op = Node::Op;

re2::StringPiece piece(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

Frame::Frame(const Stage& stage)
    : stage_(&stage), slots_(stage.slots.size()), filled_(stage.slots.size()), discovered_(stage) {}

void Frame::begin(const Record& record) {
  record_ = &record;
  scratch_.clear();
  ++turn_;
}
void Frame::begin(std::span<const OwnedValue> row) {
  record_ = nullptr;
  row_ = row;
  scratch_.clear();
  ++turn_;
}
void Frame::begin_group(std::span<const OwnedValue> aggregates, std::span<const OwnedValue> results) {
  aggregates_ = aggregates;
  results_ = results;
  scratch_.clear();
}

bool Frame::passes() {
  for (const Node& filter : stage_->filters)
    if (!truth(evaluate(filter))) return false;
  return true;
}

Value Frame::slot(std::size_t index) {
  if (filled_[index] == turn_) return slots_[index];
  const Slot& slot = stage_->slots[index];
  Value value;
  switch (slot.kind) {
    case Slot::Kind::timestamp:
      value = Value::at(double(record_->timestamp));
      break;
    case Slot::Kind::ingestion_time:
      value = Value::at(double(record_->ingestion));
      break;
    case Slot::Kind::message:
      value = Value::of(record_->message);
      break;
    case Slot::Kind::stream:
      value = Value::of(record_->stream);
      break;
    case Slot::Kind::log:
      value = Value::of(record_->log);
      break;
    case Slot::Kind::pointer:
      value = Value::of(record_->pointer);
      break;
    case Slot::Kind::discovered:
    case Slot::Kind::lambda:
      discovered_.find(record_->message, slots_, scratch_);
      for (std::size_t i = 0; i < stage_->slots.size(); ++i)
        if (stage_->slots[i].kind == Slot::Kind::discovered || stage_->slots[i].kind == Slot::Kind::lambda)
          filled_[i] = turn_;
      return slots_[index];
    case Slot::Kind::column:
      value = row_[slot.index].view();
      break;
    case Slot::Kind::expression:
      value = evaluate(stage_->expressions[slot.index]);
      break;
    case Slot::Kind::extracted:
      extract(slot.index);
      return slots_[index];
    case Slot::Kind::absent:
      break;
  }
  slots_[index] = value;
  filled_[index] = turn_;
  return value;
}

void Frame::extract(std::size_t index) {
  const Extraction& extraction = stage_->extractions[index];
  const std::optional<std::string_view> text = to_text(evaluate(extraction.source), scratch_);
  const std::size_t first = extraction.slots.front(), count = extraction.slots.size();
  // The slots of an extraction are made together, so they are next to each other.
  const std::span<Value> values = std::span(slots_).subspan(first, count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = {};
    filled_[first + i] = turn_;
  }
  if (!text) return;
  if (const Glob* glob = std::get_if<Glob>(&extraction.pattern)) {
    glob->match(*text, values);
    return;
  }
  const RE2& regex = *std::get<std::shared_ptr<const RE2>>(extraction.pattern);
  const int groups = 1 + extraction.groups.back();
  groups_.resize(std::size_t(groups));
  if (!regex.Match(piece(*text), 0, text->size(), RE2::UNANCHORED, groups_.data(), groups)) return;
  for (std::size_t i = 0; i < count; ++i) {
    const re2::StringPiece& group = groups_[std::size_t(extraction.groups[i])];
    if (group.data() != nullptr) values[i] = Value::of(std::string_view(group.data(), group.size()));
  }
}

Value Frame::evaluate(const Node& node) {
  switch (node.op) {
    case Op::constant:
      return node.constant.view();
    case Op::slot:
      return slot(node.index);
    case Op::member:
      return member(node);
    case Op::aggregate:
      return aggregates_[node.index].view();
    case Op::result:
      return results_[node.index].view();
    case Op::negate:
    case Op::add:
    case Op::subtract:
    case Op::multiply:
    case Op::divide:
    case Op::power:
    case Op::remainder:
      return arithmetic(node);
    case Op::equal:
    case Op::not_equal:
    case Op::less:
    case Op::less_equal:
    case Op::greater:
    case Op::greater_equal:
      return comparison(node);
    case Op::both:
      for (const Node& operand : node.operands)
        if (!truth(evaluate(operand))) return Value::of(false);
      return Value::of(true);
    case Op::either:
      for (const Node& operand : node.operands)
        if (truth(evaluate(operand))) return Value::of(true);
      return Value::of(false);
    case Op::negation:
      return Value::of(!truth(evaluate(node.operands[0])));
    case Op::contains: {
      const std::optional<std::string_view> text = to_text(evaluate(node.operands[0]), scratch_);
      return Value::of(text && text->find(node.constant.text) != std::string_view::npos);
    }
    case Op::matches: {
      const std::optional<std::string_view> text = to_text(evaluate(node.operands[0]), scratch_);
      return Value::of(text && node.regex->Match(piece(*text), 0, text->size(), RE2::UNANCHORED, nullptr, 0));
    }
    case Op::one_of:
      return Value::of(one_of(node));
    case Op::date_floor:
    case Op::date_ceil:
      return date(node);
    case Op::call:
      return call(node);
  }
  return {};
}

bool Frame::one_of(const Node& node) {
  const Value value = evaluate(node.operands[0]);
  for (std::size_t i = 1; i < node.operands.size(); ++i)
    if (equals(value, evaluate(node.operands[i]))) return true;
  return false;
}

Value Frame::arithmetic(const Node& node) {
  const std::optional<double> a = to_number(evaluate(node.operands[0]));
  if (!a) return {};
  if (node.op == Op::negate) return Value::of(-*a);
  const std::optional<double> b = to_number(evaluate(node.operands[1]));
  if (!b) return {};
  switch (node.op) {
    case Op::add:
      return Value::of(*a + *b);
    case Op::subtract:
      return Value::of(*a - *b);
    case Op::multiply:
      return Value::of(*a * *b);
    case Op::divide:
      return *b == 0 ? Value{} : Value::of(*a / *b);
    case Op::power:
      return Value::of(std::pow(*a, *b));
    default:
      return *b == 0 ? Value{} : Value::of(std::fmod(*a, *b));
  }
}

Value Frame::comparison(const Node& node) {
  const Value left = evaluate(node.operands[0]), right = evaluate(node.operands[1]);
  switch (node.op) {
    case Op::equal:
      return Value::of(equals(left, right));
    case Op::not_equal:
      return Value::of(!equals(left, right));
    case Op::less:
      return Value::of(compare(left, right) < 0);
    case Op::less_equal:
      return Value::of(compare(left, right) <= 0);
    case Op::greater:
      return Value::of(compare(left, right) > 0);
    default:
      return Value::of(compare(left, right) >= 0);
  }
}

Value Frame::member(const Node& node) {
  const Value base = evaluate(node.operands[0]);
  if (base.kind != Value::Kind::json) return {};
  auto found = members_.find(node.constant.text);
  if (found == members_.end())
    found = members_.emplace(node.constant.text, JsonFields({node.constant.text}, true)).first;
  Value value;
  found->second.find(base.text, {&value, 1}, scratch_);
  return value;
}

Value Frame::call(const Node& node) {
  const std::size_t count = node.operands.size();
  Value few[3];
  std::vector<Value> many(count > std::size(few) ? count : 0);
  Value* const arguments = many.empty() ? few : many.data();
  for (std::size_t i = 0; i < count; ++i) arguments[i] = evaluate(node.operands[i]);
  return node.function->call({arguments, count}, scratch_);
}

Value Frame::date(const Node& node) {
  const Value time = evaluate(node.operands[0]);
  // A number is milliseconds; a text is none, as CloudWatch reads no written times.
  if (time.kind != Value::Kind::time && time.kind != Value::Kind::number) return {};
  const Value checked = Value::at(time.number);
  if (checked.missing()) return {};
  const auto at = std::int64_t(checked.number);
  return Value::at(double(node.op == Op::date_floor ? date_floor(at, node.period) : date_ceil(at, node.period)));
}

}  // namespace brume::logs::insights
