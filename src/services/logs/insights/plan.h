// What a query is read into: stages that records pass, each of slots (the fields it may need), expressions over them,
// filters and, but for the last, an aggregation whose rows go to the next stage.
//
// Nothing here does anything. parser.h makes plans, frame.h evaluates them, groups.h and rows.h keep what comes out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "services/logs/insights/functions.h"
#include "services/logs/insights/patterns.h"
#include "services/logs/insights/period.h"
#include "services/logs/insights/value.h"

namespace brume::logs::insights {

struct Node {
  enum class Op : std::uint8_t {
    constant,
    slot,       // `index`
    member,     // of the map or list that is the operand; `constant` is the path
    aggregate,  // `index`: of the stage's, for the group at hand
    result,     // `index`: an earlier column of the same stats command
    negate,     // the rest are of operands
    add,
    subtract,
    multiply,
    divide,
    power,
    remainder,
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    both,
    either,
    negation,
    contains,    // `constant`
    matches,     // `regex`
    one_of,      // the first among the others
    date_floor,  // to `period`
    date_ceil,
    call  // `function`
  } op = Op::constant;
  std::size_t index = 0;
  OwnedValue constant;
  Period period;
  const Function* function = nullptr;
  std::shared_ptr<const RE2> regex;
  std::vector<Node> operands;
};

// A field of the records or rows that pass a stage, looked up when it is first asked for.
struct Slot {
  enum class Kind : std::uint8_t {
    timestamp,
    ingestion_time,
    message,
    stream,
    log,
    pointer,
    discovered,  // `name`: in a message of JSON or of a flow log
    lambda,      // `name`, with its @: in what Lambda's runtime writes
    column,      // `index`: of the rows of the stage before
    expression,  // `index`: of the stage's; an alias
    extracted,   // by `parse`; `index`: of the stage's extractions, `part`: which of its values
    absent
  } kind = Kind::absent;
  std::string name;
  std::size_t index = 0, part = 0;
};

// A parse command.
struct Extraction {
  Node source;
  std::variant<std::shared_ptr<const RE2>, Glob> pattern;
  std::vector<int> groups;  // of the regular expression, a value each
  std::vector<std::size_t> slots;
};

struct Column {
  std::string name;
  Node value;
};

struct Aggregate {
  enum class Kind : std::uint8_t {
    count,  // without argument: of all
    count_distinct,
    sum,
    average,
    minimum,
    maximum,
    deviation,
    percentile,
    earliest,
    latest,
    sorts_first,
    sorts_last
  } kind = Kind::count;
  bool all = false;  // count(*)
  Node argument;
  double percent = 0;  // 0 to 100
};

struct Stage {
  std::vector<Slot> slots;
  std::vector<Node> expressions;
  std::vector<Extraction> extractions;
  std::vector<Node> filters;

  // Of a stats command; the last stage has none.
  bool aggregates_rows = false;
  std::vector<Column> keys;  // `by`
  std::vector<Aggregate> aggregates;
  std::vector<Column> results;
  bool needs_time = false;
  Node time;  // of the record, for earliest and latest

  std::vector<Column> columns;  // of the last stage: what is shown
};

struct SortKey {
  Node value;
  bool descending = false;
};

// A text that every record which passes the filters has in its message.
struct Needle {
  std::string text;
  // It comes from a member of a JSON message, which may be written with escapes: a message that has a backslash may
  // pass without it.
  bool unless_escaped = false;
};

struct Plan {
  std::vector<Stage> stages;
  std::vector<Needle> needles;
  std::vector<SortKey> sort;
  std::vector<Node> dedup;
  std::size_t limit = 0;
  bool limit_any = false;
  bool newest_first = false;  // the sort is by @timestamp, descending
};

}  // namespace brume::logs::insights
