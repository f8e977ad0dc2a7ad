#include "services/logs/insights/needles.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace brume::logs::insights {
namespace {

using Op = Node::Op;

Slot::Kind kind_of(const Stage& stage, const Node& node) {
  return node.op == Op::slot ? stage.slots[node.index].kind : Slot::Kind::absent;
}

// Adds the needles of a condition that all records which pass fulfil. Is the condition no more than one of them?
bool collect(const Stage& stage, const Node& node, std::vector<Needle>& out) {
  const auto add = [&](std::string_view text, bool unless_escaped) {
    if (text.empty()) return false;
    out.push_back({std::string(text), unless_escaped});
    return true;
  };
  switch (node.op) {
    case Op::both: {
      bool all = true;
      for (const Node& operand : node.operands) all = collect(stage, operand, out) && all;
      return all;
    }
    case Op::contains:
      return kind_of(stage, node.operands[0]) == Slot::Kind::message && add(node.constant.text, false);
    case Op::matches:
      if (kind_of(stage, node.operands[0]) == Slot::Kind::message) add(literal_within(node.regex->pattern()), false);
      return false;
    case Op::equal:
      for (const bool swapped : {false, true}) {
        const Slot::Kind kind = kind_of(stage, node.operands[swapped ? 1 : 0]);
        const Node& other = node.operands[swapped ? 0 : 1];
        if ((kind != Slot::Kind::discovered && kind != Slot::Kind::lambda) || other.op != Op::constant ||
            other.constant.kind != Value::Kind::text)
          continue;
        // A boolean equals a word and a number that are not in the message as they are here.
        if (to_number(other.constant.view()) || other.constant.text == "true" || other.constant.text == "false")
          continue;
        add(other.constant.text, true);
      }
      return false;
    default:
      return false;
  }
}

}  // namespace

std::vector<Needle> take_needles(Stage& stage) {
  std::vector<Needle> out;
  std::erase_if(stage.filters, [&](const Node& filter) { return collect(stage, filter, out); });
  // The longest is the rarest, as a rule; of those that say the same one is enough.
  std::ranges::stable_sort(out, [](const Needle& a, const Needle& b) { return a.text.size() > b.text.size(); });
  return out;
}

bool has(std::string_view message, const Needle& needle) {
  if (::memmem(message.data(), message.size(), needle.text.data(), needle.text.size()) != nullptr) return true;
  return needle.unless_escaped && message.find('\\') != std::string_view::npos;
}

}  // namespace brume::logs::insights
