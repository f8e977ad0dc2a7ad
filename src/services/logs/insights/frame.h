// Evaluates a stage's expressions for one record or row at a time.
//
// Slots are filled when they are first asked for, so that a record which a filter drops costs only what the filter
// needs. All functions of the language are pure, so the order does not matter. Values are good until the next begin().
// Arithmetic without a result (of a text, a division by zero) is missing. Not for use by two threads.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "services/logs/insights/discovered.h"
#include "services/logs/insights/plan.h"
#include "services/logs/insights/record.h"
#include "services/logs/insights/value.h"

namespace brume::logs::insights {

class Frame {
 public:
  // The stage has to outlive the frame.
  explicit Frame(const Stage& stage);

  // The next is this; it has to live while it is evaluated.
  void begin(const Record& record);
  void begin(std::span<const OwnedValue> row);
  // A group: only what aggregates say can be evaluated, and results that were.
  void begin_group(std::span<const OwnedValue> aggregates, std::span<const OwnedValue> results);

  // Do all filters let it pass?
  bool passes();
  Value evaluate(const Node& node);
  [[nodiscard]] const Stage& stage() const { return *stage_; }
  // Of the record at hand; null for rows.
  [[nodiscard]] const Record* record() const { return record_; }
  Scratch& scratch() { return scratch_; }

 private:
  Value slot(std::size_t index);
  void extract(std::size_t index);
  Value arithmetic(const Node& node);
  Value comparison(const Node& node);
  Value member(const Node& node);
  Value call(const Node& node);
  Value date(const Node& node);
  bool one_of(const Node& node);

  const Stage* stage_;
  const Record* record_ = nullptr;
  std::span<const OwnedValue> row_, aggregates_, results_;
  std::vector<Value> slots_;
  std::vector<std::uint64_t> filled_;  // the turn in which a slot was
  std::uint64_t turn_ = 0;
  DiscoveredFields discovered_;
  std::map<std::string, JsonFields, std::less<>> members_;  // by path
  std::vector<re2::StringPiece> groups_;
  Scratch scratch_;
};

}  // namespace brume::logs::insights
