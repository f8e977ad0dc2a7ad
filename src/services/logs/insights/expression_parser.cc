#include "services/logs/insights/expression_parser.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace brume::logs::insights {
namespace {

constexpr int kDeepest = 64;
constexpr int kMostTerms = 256;
constexpr std::size_t kMostParts = 64;  // of a name

using Op = Node::Op;

Node of(Op op, Node operand) {
  Node node;
  node.op = op;
  node.operands.push_back(std::move(operand));
  return node;
}
// Into the same node as far as it goes: a long row of alternatives is not a deep tree.
Node joined(Op op, Node left, Node right) {
  if (left.op != op) left = of(op, std::move(left));
  left.operands.push_back(std::move(right));
  return left;
}
Node of(Op op, Node left, Node right) {
  Node node = of(op, std::move(left));
  node.operands.push_back(std::move(right));
  return node;
}

struct Sign {
  std::string_view sign;
  Op op;
};
constexpr Sign kComparisons[] = {{"=", Op::equal},          {"!=", Op::not_equal}, {"<=", Op::less_equal},
                                 {">=", Op::greater_equal}, {"<", Op::less},       {">", Op::greater}};
constexpr Sign kSums[] = {{"+", Op::add}, {"-", Op::subtract}};
constexpr Sign kProducts[] = {{"*", Op::multiply}, {"/", Op::divide}, {"%", Op::remainder}};

struct System {
  std::string_view name;
  Slot::Kind kind;
};
constexpr System kSystem[] = {{"@timestamp", Slot::Kind::timestamp},
                              {"@ingestionTime", Slot::Kind::ingestion_time},
                              {"@message", Slot::Kind::message},
                              {"@logStream", Slot::Kind::stream},
                              {"@log", Slot::Kind::log},
                              {"@ptr", Slot::Kind::pointer}};

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// How much of `text` is `pattern` when spaces are left out of both; 0 if its beginning is not.
std::size_t length_without_spaces(std::string_view text, std::string_view pattern) {
  std::size_t at = 0;
  for (const char c : pattern) {
    if (is_space(c)) continue;
    while (at < text.size() && is_space(text[at])) ++at;
    if (at == text.size() || text[at] != c) return 0;
    ++at;
  }
  return at;
}

}  // namespace

// --- tokens ---

Result<void> ExpressionParser::advance() {
  last_end_ = token_.end;
  BRUME_TRY(token, lexer_.next());
  token_ = std::move(token);
  return {};
}
bool ExpressionParser::at_symbol(std::string_view symbol) const {
  return token_.kind == Token::Kind::symbol && token_.value == symbol;
}
bool ExpressionParser::at_word(std::string_view word) const {
  return token_.kind == Token::Kind::name && !token_.quoted && same_word(token_.value, word);
}
std::unexpected<Error> ExpressionParser::wrong(const Token& token, std::string_view sentence) const {
  return malformed(lexer_.text(), token.begin, token.end, sentence);
}
std::unexpected<Error> ExpressionParser::expected(std::string_view what) const {
  if (token_.kind == Token::Kind::end) return wrong(token_, fmt::format("The query ends where {} is expected", what));
  return wrong(token_, fmt::format("'{}' is unexpected; {} is expected",
                                   lexer_.text().substr(token_.begin, token_.end - token_.begin), what));
}
Result<void> ExpressionParser::take(std::string_view symbol) {
  if (!at_symbol(symbol)) return expected(fmt::format("'{}'", symbol));
  return advance();
}
Result<Token> ExpressionParser::take_regex() {
  BRUME_TRY(regex, lexer_.regex(token_.begin));
  token_.end = regex.end;
  BRUME_CHECK(advance());
  return std::move(regex);
}
std::string ExpressionParser::source(std::size_t begin, std::size_t end) const {
  std::string out;
  for (const char c : lexer_.text().substr(begin, end - begin)) {
    if (!is_space(c))
      out += c;
    else if (!out.ends_with(' '))
      out += ' ';
  }
  return out;
}

// --- names ---

Node ExpressionParser::slot(Slot slot) {
  Node node;
  node.op = Op::slot;
  node.index = stage().slots.size();
  stage().slots.push_back(std::move(slot));
  return node;
}

Result<void> ExpressionParser::give(const Token& token, const std::string& name, Node node, bool alias) {
  if (alias && !given_.emplace(name, true).second)
    return wrong(token, fmt::format("The field '{}' is given twice; choose another name", name));
  names_.insert_or_assign(name, std::move(node));
  return {};
}

Result<Node> ExpressionParser::resolve(const Token& token) {
  return resolve(token, token.value);
}

Result<Node> ExpressionParser::resolve(const Token& token, const std::string& name) {
  if (std::size_t(std::ranges::count(name, '.')) >= kMostParts)
    return wrong(token, fmt::format("A name has at most {} parts", kMostParts));
  if (in_stats_) {
    if (const auto found = results_.find(name); found != results_.end()) return found->second;
    return wrong(token, fmt::format("'{}' has many values here; aggregate it, for instance latest({}), or group by it",
                                    name, name));
  }
  if (const auto found = names_.find(name); found != names_.end()) return found->second;
  // A member of a map or list that the query made.
  for (std::size_t dot = name.rfind('.'); dot != std::string::npos && dot > 0; dot = name.rfind('.', dot - 1)) {
    const std::string base = name.substr(0, dot);
    if (!given_.contains(base) && plan_.stages.size() == 1) continue;
    const auto found = names_.find(base);
    if (found == names_.end()) continue;
    Node node = of(Op::member, found->second);
    node.constant = OwnedValue(Value::of(std::string_view(name).substr(dot + 1)));
    return node;
  }
  if (plan_.stages.size() > 1)
    return wrong(token,
                 fmt::format("'{}' is no column of the stats command before; only those are left after it", name));
  Slot made;
  made.name = name;
  for (const System& system : kSystem)
    if (system.name == name) made.kind = system.kind;
  if (made.kind == Slot::Kind::absent) {
    // A field of a message whose name begins with @ is told from CloudWatch's own by a second one.
    const bool own = name.starts_with('@') && !name.starts_with("@@");
    made.kind = own ? Slot::Kind::lambda : Slot::Kind::discovered;
    if (name.starts_with("@@")) made.name.erase(0, 1);
  }
  Node node = slot(std::move(made));
  names_.emplace(name, node);
  return node;
}

Result<bool> ExpressionParser::column_by_text(Node& out) {
  if (plan_.stages.size() == 1) return false;
  const std::string_view rest = lexer_.text().substr(token_.begin);
  std::size_t longest = 0;
  for (const auto& [name, node] : names_) {
    if (name.find('(') == std::string::npos) continue;
    const std::size_t length = length_without_spaces(rest, name);
    if (length <= longest) continue;
    longest = length;
    out = node;
  }
  if (longest == 0) return false;
  token_.end = token_.begin + longest;
  lexer_.move_to(token_.end);
  BRUME_CHECK(advance());
  return true;
}

// --- operators ---

Result<void> ExpressionParser::deeper() {
  if (++depth_ > kDeepest) return wrong(token_, fmt::format("The expression is nested more than {} deep", kDeepest));
  return {};
}

Result<Node> ExpressionParser::either() {
  BRUME_CHECK(deeper());
  BRUME_TRY(first, both());
  Node left = std::move(first);
  while (at_word("or")) {
    BRUME_CHECK(advance());
    BRUME_TRY(right, both());
    left = joined(Op::either, std::move(left), std::move(right));
  }
  --depth_;
  return left;
}

Result<Node> ExpressionParser::both() {
  BRUME_TRY(first, negation());
  Node left = std::move(first);
  while (at_word("and")) {
    BRUME_CHECK(advance());
    BRUME_TRY(right, negation());
    left = joined(Op::both, std::move(left), std::move(right));
  }
  return left;
}

Result<Node> ExpressionParser::negation() {
  if (!at_word("not")) return comparison();
  BRUME_CHECK(advance());
  BRUME_CHECK(deeper());
  BRUME_TRY(operand, negation());
  --depth_;
  return of(Op::negation, std::move(operand));
}

Result<Node> ExpressionParser::comparison() {
  BRUME_TRY(left, sum());
  for (const auto& [sign, op] : kComparisons) {
    if (!at_symbol(sign)) continue;
    BRUME_CHECK(advance());
    BRUME_TRY(right, sum());
    return of(op, std::move(left), std::move(right));
  }
  if (at_symbol("=~")) return pattern(std::move(left), true);
  if (at_word("like")) return pattern(std::move(left), false);
  if (at_word("in")) return one_of(std::move(left));
  if (!at_word("not")) return std::move(left);
  BRUME_CHECK(advance());
  if (!at_word("like") && !at_word("in")) return expected("'like' or 'in'");
  BRUME_TRY(positive, at_word("in") ? one_of(std::move(left)) : pattern(std::move(left), false));
  return of(Op::negation, std::move(positive));
}

Result<Node> ExpressionParser::pattern(Node left, bool only_regex) {
  BRUME_CHECK(advance());
  if (at_symbol("/")) {
    BRUME_TRY(regex, take_regex());
    if (const std::optional<std::string> literal = literal_of(regex.value)) {
      Node node = of(Op::contains, std::move(left));
      node.constant = OwnedValue(Value::of(std::string_view(*literal)));
      return node;
    }
    Node node = of(Op::matches, std::move(left));
    BRUME_TRY(compiled, at(regex, to_regex(regex.value)));
    node.regex = std::move(compiled);
    return node;
  }
  if (only_regex || peek().kind != Token::Kind::text)
    return expected(only_regex ? "a regular expression between slashes"
                               : "a text in quotes or a regular expression between slashes");
  Node node = of(Op::contains, std::move(left));
  node.constant = OwnedValue(Value::of(std::string_view(peek().value)));
  BRUME_CHECK(advance());
  return node;
}

Result<Node> ExpressionParser::one_of(Node left) {
  BRUME_CHECK(advance());
  if (at_symbol("(")) return wrong(token_, "Brume has no subqueries; 'in' takes a list: [\"a\", \"b\"]");
  BRUME_CHECK(take("["));
  Node node = of(Op::one_of, std::move(left));
  while (!at_symbol("]")) {
    if (node.operands.size() > 1) BRUME_CHECK(take(","));
    BRUME_TRY(item, sum());
    node.operands.push_back(std::move(item));
  }
  BRUME_CHECK(advance());
  return node;
}

Result<Node> ExpressionParser::sum() {
  BRUME_TRY(first, product());
  Node left = std::move(first);
  for (int terms = 1;; ++terms) {
    const auto* const sign = std::ranges::find_if(kSums, [&](const Sign& s) { return at_symbol(s.sign); });
    if (sign == std::end(kSums)) return left;
    if (terms == kMostTerms) return wrong(token_, fmt::format("The expression has more than {} terms", kMostTerms));
    BRUME_CHECK(advance());
    BRUME_TRY(right, product());
    left = of(sign->op, std::move(left), std::move(right));
  }
}

Result<Node> ExpressionParser::product() {
  BRUME_TRY(first, minus());
  Node left = std::move(first);
  for (int terms = 1;; ++terms) {
    const auto* const sign = std::ranges::find_if(kProducts, [&](const Sign& s) { return at_symbol(s.sign); });
    if (sign == std::end(kProducts)) return left;
    if (terms == kMostTerms) return wrong(token_, fmt::format("The expression has more than {} terms", kMostTerms));
    BRUME_CHECK(advance());
    BRUME_TRY(right, minus());
    left = of(sign->op, std::move(left), std::move(right));
  }
}

Result<Node> ExpressionParser::minus() {
  if (!at_symbol("-")) return power();
  BRUME_CHECK(advance());
  BRUME_CHECK(deeper());
  BRUME_TRY(operand, minus());
  --depth_;
  return of(Op::negate, std::move(operand));
}

Result<Node> ExpressionParser::power() {
  BRUME_TRY(base, primary());
  if (!at_symbol("^")) return std::move(base);
  BRUME_CHECK(advance());
  BRUME_CHECK(deeper());
  BRUME_TRY(exponent, minus());
  --depth_;
  return of(Op::power, std::move(base), std::move(exponent));
}

}  // namespace brume::logs::insights
