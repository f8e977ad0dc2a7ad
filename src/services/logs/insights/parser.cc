#include "services/logs/insights/parser.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "services/logs/insights/expression_parser.h"
#include "services/logs/insights/needles.h"

namespace brume::logs::insights {
namespace {

constexpr std::string_view kCommands = "display, fields, filter, where, parse, stats, sort, limit and dedup";
// Commands of CloudWatch's that Brume does not have.
constexpr std::string_view kElsewhere[] = {"anomaly", "diff",    "estimate", "filterIndex",    "join",
                                           "lookup",  "pattern", "SOURCE",   "relevantfields", "subqueries",
                                           "tail",    "unmask",  "unnest"};

class Parser : ExpressionParser {
 public:
  Parser(std::string_view text, Timestamp now) : ExpressionParser(text, now) {}

  Result<Plan> whole() {
    BRUME_CHECK(advance());
    if (peek().kind == Token::Kind::end) return wrong(peek(), "The query is empty");
    // The console writes one before the first command.
    if (at_symbol("|")) BRUME_CHECK(advance());
    for (;;) {
      BRUME_CHECK(command());
      if (peek().kind == Token::Kind::end) break;
      if (!at_symbol("|")) return expected("'|' and the next command, or the end,");
      BRUME_CHECK(advance());
    }
    BRUME_CHECK(finish());
    return std::move(plan_);
  }

 private:
  struct Command {
    std::string_view name;
    Result<void> (Parser::*read)();
    bool after_dedup, after_limit, before_stats;
  };
  static constexpr std::size_t kCommandCount = 10;
  static const Command kKnown[kCommandCount];

  Result<void> command() {
    const Token token = peek();
    if (token.kind != Token::Kind::name || token.quoted) return expected(fmt::format("a command ({})", kCommands));
    for (const Command& known : kKnown) {
      if (!same_word(known.name, token.value)) continue;
      if (dedup_ && !known.after_dedup)
        return wrong(token, fmt::format("Only limit may come after dedup; put {} before it", known.name));
      if (limited_ && !known.after_limit) return wrong(token, fmt::format("{} has to come before limit", known.name));
      BRUME_CHECK(advance());
      BRUME_CHECK((this->*known.read)());
      if (!known.before_stats && last_not_before_stats_.kind == Token::Kind::end) last_not_before_stats_ = token;
      return {};
    }
    for (const std::string_view name : kElsewhere)
      if (same_word(name, token.value)) return wrong(token, fmt::format("Brume does not have the command {}", name));
    return wrong(token, fmt::format("'{}' is no command; those are {}", token.value, kCommands));
  }

  // "expression [as name]", its column, and its name from here on.
  Result<Column> column(bool give_alias) {
    const Token begin = peek();
    BRUME_TRY(value, expression());
    Column out;
    const bool field = begin.kind == Token::Kind::name && begin.end == last_end_;
    out.name = field ? begin.value : source(begin.begin, last_end_);
    out.value = std::move(value);
    if (!at_word("as")) return out;
    BRUME_CHECK(advance());
    const Token alias = peek();
    BRUME_TRY(name, take_name("the name after 'as'"));
    out.name = name;
    if (give_alias) {
      Slot made{Slot::Kind::expression, out.name, stage().expressions.size(), 0};
      stage().expressions.push_back(std::move(out.value));
      out.value = slot(std::move(made));
      BRUME_CHECK(give(alias, out.name, out.value, true));
    }
    return out;
  }
  Result<std::string> take_name(std::string_view what) {
    if (peek().kind != Token::Kind::name) return expected(what);
    std::string name = peek().value;
    BRUME_CHECK(advance());
    return name;
  }
  template <typename F>
  Result<void> list(F&& item) {
    for (;;) {
      BRUME_CHECK(item());
      if (!at_symbol(",")) return {};
      BRUME_CHECK(advance());
    }
  }
  static void show(std::vector<Column>& columns, Column column) {
    const auto shown = std::ranges::find(columns, column.name, &Column::name);
    if (shown == columns.end())
      columns.push_back(std::move(column));
    else
      shown->value = std::move(column.value);
  }

  Result<void> fields() {
    return list([&]() -> Result<void> {
      BRUME_TRY(item, column(true));
      show(shown_, std::move(item));
      return {};
    });
  }
  Result<void> display() {
    displayed_.emplace();
    return list([&]() -> Result<void> {
      BRUME_TRY(item, column(true));
      show(*displayed_, std::move(item));
      return {};
    });
  }
  Result<void> filter() {
    BRUME_TRY(condition, expression());
    stage().filters.push_back(std::move(condition));
    return {};
  }

  Result<void> parse() {
    Extraction made;
    if (peek().kind == Token::Kind::text || at_symbol("/")) {
      BRUME_TRY(message, resolve(peek(), "@message"));
      made.source = std::move(message);
    } else {
      BRUME_TRY(source, primary());
      made.source = std::move(source);
    }
    if (at_word("logfmt") || at_word("csv"))
      return wrong(peek(), "Brume's parse takes a text with stars or a regular expression; it has no logfmt and csv");
    const std::size_t index = stage().extractions.size();
    std::vector<std::pair<Token, std::string>> names;
    if (at_symbol("/")) {
      BRUME_TRY(pattern, take_regex());
      BRUME_TRY(regex, at(pattern, to_regex(pattern.value)));
      for (const auto& [group, name] : regex->CapturingGroupNames()) {
        made.groups.push_back(group);
        names.emplace_back(pattern, name);
      }
      if (names.empty()) return wrong(pattern, "The regular expression names no field; write a group as (?<name>...)");
      made.pattern = std::move(regex);
    } else {
      if (peek().kind != Token::Kind::text)
        return expected("a text with stars in quotes, or a regular expression between slashes,");
      const Token pattern = peek();
      BRUME_CHECK(advance());
      if (!at_word("as")) return expected("'as' and a name for each star");
      BRUME_CHECK(advance());
      BRUME_CHECK(list([&]() -> Result<void> {
        const Token token = peek();
        BRUME_TRY(name, take_name("a name for a star"));
        names.emplace_back(token, name);
        return {};
      }));
      Glob glob(pattern.value);
      if (glob.values() != names.size())
        return wrong(pattern,
                     fmt::format("The text has {} stars, but {} names are given", glob.values(), names.size()));
      made.pattern = std::move(glob);
    }
    stage().extractions.push_back(std::move(made));
    for (std::size_t part = 0; part < names.size(); ++part) {
      const auto& [token, name] = names[part];
      const Node node = slot({Slot::Kind::extracted, name, index, part});
      stage().extractions.back().slots.push_back(node.index);
      BRUME_CHECK(give(token, name, node, true));
      show(shown_, {name, node});
    }
    return {};
  }

  Result<void> stats() {
    if (last_not_before_stats_.kind != Token::Kind::end)
      return wrong(last_not_before_stats_, "sort, limit and dedup have to come after the last stats");
    if (plan_.stages.size() > kMostStats)
      return wrong(peek(), fmt::format("A query has at most {} stats commands", kMostStats));
    Stage& made = stage();
    made.aggregates_rows = true;
    in_stats_ = true;
    BRUME_CHECK(list([&]() -> Result<void> {
      const Token token = peek();
      BRUME_TRY(item, column(false));
      Node reference;
      reference.op = Node::Op::result;
      reference.index = made.results.size();
      BRUME_CHECK(once(token, item.name));
      results_.emplace(item.name, std::move(reference));
      made.results.push_back(std::move(item));
      return {};
    }));
    in_stats_ = false;
    if (at_word("by")) {
      BRUME_CHECK(advance());
      BRUME_CHECK(list([&]() -> Result<void> {
        const Token token = peek();
        BRUME_TRY(item, column(false));
        BRUME_CHECK(once(token, item.name));
        results_.emplace(item.name, Node());
        made.keys.push_back(std::move(item));
        return {};
      }));
    }
    if (at_word("offset")) return wrong(peek(), "Brume's stats has no offset");
    next_stage();
    return {};
  }
  Result<void> once(const Token& token, const std::string& name) const {
    if (results_.contains(name))
      return wrong(token, fmt::format("The column '{}' is there twice; give one another name with 'as'", name));
    return {};
  }
  // What is left after a stats command: its columns.
  void next_stage() {
    std::vector<std::string> columns;
    for (const Column& key : stage().keys) columns.push_back(key.name);
    for (const Column& result : stage().results) columns.push_back(result.name);
    plan_.stages.emplace_back();
    names_.clear();
    given_.clear();
    results_.clear();
    shown_.clear();
    displayed_.reset();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const Node node = slot({Slot::Kind::column, columns[i], i, 0});
      names_.emplace(columns[i], node);
      shown_.push_back({columns[i], node});
    }
  }

  Result<void> sort() {
    std::vector<SortKey> keys;
    BRUME_CHECK(list([&]() -> Result<void> {
      SortKey key;
      BRUME_TRY(value, expression());
      key.value = std::move(value);
      key.descending = at_word("desc");
      if (at_word("desc") || at_word("asc")) BRUME_CHECK(advance());
      keys.push_back(std::move(key));
      return {};
    }));
    // A later sort decides; where it finds no difference, the order is that of the earlier one.
    plan_.sort.insert(plan_.sort.begin(), std::make_move_iterator(keys.begin()), std::make_move_iterator(keys.end()));
    return {};
  }
  Result<void> limit() {
    if (at_word("any")) {
      BRUME_CHECK(advance());
      plan_.limit_any = true;
    }
    const Token token = peek();
    if (token.kind != Token::Kind::number) return expected("a number of rows");
    if (!(token.number >= 1 && token.number <= double(kMostRows)) || token.number != double(std::size_t(token.number)))
      return wrong(token, fmt::format("limit takes a whole number from 1 to {}", kMostRows));
    const auto rows = std::size_t(token.number);
    plan_.limit = limited_ ? std::min(plan_.limit, rows) : rows;
    limited_ = true;
    return advance();
  }
  Result<void> dedup() {
    dedup_ = true;
    return list([&]() -> Result<void> {
      BRUME_TRY(value, expression());
      plan_.dedup.push_back(std::move(value));
      return {};
    });
  }

  Result<void> finish() {
    Stage& last = stage();
    if (!limited_) plan_.limit = kMostRows;
    const bool of_records = plan_.stages.size() == 1;
    if (of_records && plan_.sort.empty()) {
      BRUME_TRY(time, resolve(peek(), "@timestamp"));
      plan_.sort.push_back({time, true});
    }
    const auto is_time = [&](const SortKey& key) {
      return key.descending && key.value.op == Node::Op::slot &&
             last.slots[key.value.index].kind == Slot::Kind::timestamp;
    };
    plan_.newest_first = of_records && plan_.sort.size() == 1 && is_time(plan_.sort[0]);
    if (plan_.limit_any && (!plan_.dedup.empty() || !of_records))
      return wrong(peek(), "'limit any' is for records as they are found: without stats and dedup");
    if (displayed_) {
      last.columns = std::move(*displayed_);
    } else if (!shown_.empty()) {
      last.columns = std::move(shown_);
    } else {
      for (const char* name : {"@timestamp", "@message"}) {
        BRUME_TRY(value, resolve(peek(), name));
        last.columns.push_back({name, value});
      }
    }
    plan_.needles = take_needles(plan_.stages.front());
    return {};
  }

  std::vector<Column> shown_;
  std::optional<std::vector<Column>> displayed_;
  bool limited_ = false, dedup_ = false;
  Token last_not_before_stats_;
};

const Parser::Command Parser::kKnown[kCommandCount] = {
    {"fields", &Parser::fields, false, true, true},  {"display", &Parser::display, false, true, true},
    {"filter", &Parser::filter, false, false, true}, {"where", &Parser::filter, false, false, true},
    {"parse", &Parser::parse, false, true, true},    {"stats", &Parser::stats, false, true, true},
    {"sort", &Parser::sort, false, false, false},    {"limit", &Parser::limit, true, true, false},
    {"head", &Parser::limit, true, true, false},     {"dedup", &Parser::dedup, false, false, false},
};

}  // namespace

Result<Plan> parse_query(std::string_view text, Timestamp now) {
  if (text.size() > kLongestQuery)
    return fail("MalformedQueryException", "The query is {} characters long; {} are the most", text.size(),
                kLongestQuery);
  return Parser(text, now).whole();
}

}  // namespace brume::logs::insights
