#include "services/cloudwatch/expression/syntax.h"

#include <cctype>
#include <charconv>
#include <optional>

namespace brume::cloudwatch::expression {
namespace {

constexpr int kDeepest = 32;

bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name(char c) {
  return is_letter(c) || is_digit(c) || c == '_';
}

// The operators of each level, loosest first; `^` and unary minus are below them.
struct Operator {
  std::string_view sign, meaning;
};
constexpr Operator kOr[] = {{"||", "OR"}, {"OR", "OR"}};
constexpr Operator kAnd[] = {{"&&", "AND"}, {"AND", "AND"}};
constexpr Operator kCompare[] = {{"==", "=="}, {"!=", "!="}, {"<=", "<="}, {">=", ">="}, {"<", "<"}, {">", ">"}};
constexpr Operator kAdd[] = {{"+", "+"}, {"-", "-"}};
constexpr Operator kMultiply[] = {{"*", "*"}, {"/", "/"}};
struct Level {
  const Operator* first;
  std::size_t count;
};
constexpr Level kLevels[] = {{kOr, 2}, {kAnd, 2}, {kCompare, 6}, {kAdd, 2}, {kMultiply, 2}};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Node> whole() {
    BRUME_TRY(node, level(0));
    skip_space();
    if (at_ != text_.size()) return wrong("unexpected");
    return std::move(node);
  }

 private:
  [[nodiscard]] std::unexpected<Error> wrong(std::string_view what) const {
    if (at_ >= text_.size()) return fail("ValidationError", "The expression ends too early");
    return fail("ValidationError", "'{}' at position {} is {}", text_.substr(at_, 1), at_ + 1, what);
  }
  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  bool take(std::string_view sign) {
    skip_space();
    const std::string_view rest = text_.substr(at_);
    if (!rest.starts_with(sign)) return false;
    if (is_letter(sign[0]) && rest.size() > sign.size() && is_name(rest[sign.size()])) return false;
    at_ += sign.size();
    return true;
  }

  Result<Node> level(std::size_t index) {
    if (index == std::size(kLevels)) return unary();
    BRUME_TRY(first, level(index + 1));
    Node left = std::move(first);
    for (;;) {
      std::optional<std::string_view> meaning;
      for (std::size_t i = 0; i < kLevels[index].count && !meaning; ++i)
        if (take(kLevels[index].first[i].sign)) meaning = kLevels[index].first[i].meaning;
      if (!meaning) return left;
      BRUME_TRY(right, level(index + 1));
      left = binary(*meaning, std::move(left), std::move(right));
    }
  }
  static Node binary(std::string_view meaning, Node left, Node right) {
    Node node{.kind = Node::Kind::binary, .text = std::string(meaning)};
    node.children.push_back(std::move(left));
    node.children.push_back(std::move(right));
    return node;
  }

  Result<Node> unary() {
    if (!take("-")) return power();
    if (++depth_ > kDeepest) return too_deep();
    BRUME_TRY(operand, unary());
    --depth_;
    Node node{.kind = Node::Kind::minus};
    node.children.push_back(std::move(operand));
    return node;
  }
  Result<Node> power() {
    BRUME_TRY(base, primary());
    if (!take("^")) return std::move(base);
    if (++depth_ > kDeepest) return too_deep();
    BRUME_TRY(exponent, unary());
    --depth_;
    return binary("^", std::move(base), std::move(exponent));
  }
  static std::unexpected<Error> too_deep() {
    return fail("ValidationError", "The expression is nested more than {} deep", kDeepest);
  }

  Result<Node> primary() {
    skip_space();
    if (at_ >= text_.size()) return wrong("");
    const char c = text_[at_];
    if (c == '"' || c == '\'') return quoted(c);
    if (is_digit(c) || c == '.') return number();
    if (is_letter(c)) return name();
    if (c != '(' && c != '[') return wrong("unexpected");
    ++at_;
    if (++depth_ > kDeepest) return too_deep();
    if (c == '(') {
      BRUME_TRY(inner, level(0));
      if (!take(")")) return wrong("unexpected; ')' is missing");
      --depth_;
      return std::move(inner);
    }
    Node node{.kind = Node::Kind::array};
    BRUME_CHECK(list(node, "]"));
    if (node.children.empty()) return fail("ValidationError", "An array of the expression is empty");
    --depth_;
    return node;
  }
  Result<void> list(Node& node, std::string_view end) {
    if (take(end)) return {};
    for (;;) {
      BRUME_TRY(item, level(0));
      node.children.push_back(std::move(item));
      if (take(end)) return {};
      if (!take(","))
        return wrong(end == ")" ? "unexpected; ',' or ')' is missing" : "unexpected; ',' or ']' is missing");
    }
  }
  Result<Node> quoted(char quote) {
    Node node{.kind = Node::Kind::text};
    std::size_t i = at_ + 1;
    // A backslash keeps the next character from ending the text; what it means is for who reads the text.
    while (i < text_.size() && text_[i] != quote) i += text_[i] == '\\' ? 2 : 1;
    if (i >= text_.size()) return fail("ValidationError", "The text that begins at position {} does not end", at_ + 1);
    node.text = std::string(text_.substr(at_ + 1, i - at_ - 1));
    at_ = i + 1;
    return node;
  }
  Result<Node> number() {
    Node node{.kind = Node::Kind::number};
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), node.number);
    if (error != std::errc{}) return wrong("not a number");
    at_ = std::size_t(end - text_.data());
    if (at_ < text_.size() && is_name(text_[at_])) return wrong("unexpected after a number");
    return node;
  }
  Result<Node> name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    Node node{.kind = Node::Kind::id, .text = std::string(text_.substr(begin, at_ - begin))};
    const bool capital = std::isupper(static_cast<unsigned char>(text_[begin])) != 0;
    if (take("(")) {
      if (!capital) return fail("ValidationError", "'{}' is not a function; their names are in capitals", node.text);
      if (++depth_ > kDeepest) return too_deep();
      node.kind = Node::Kind::call;
      BRUME_CHECK(list(node, ")"));
      --depth_;
    } else if (capital) {
      node.kind = Node::Kind::word;
    }
    return node;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<Node> parse(std::string_view text) {
  return Parser(text).whole();
}

std::string format(const Node& node) {
  const auto items = [&] {
    std::string out;
    for (const Node& child : node.children) out += (out.empty() ? "" : ", ") + format(child);
    return out;
  };
  switch (node.kind) {
    case Node::Kind::number:
      return fmt::format("{}", node.number);
    case Node::Kind::text:
      return node.text.find('"') == std::string::npos ? '"' + node.text + '"' : '\'' + node.text + '\'';
    case Node::Kind::id:
    case Node::Kind::word:
      return node.text;
    case Node::Kind::call:
      return node.text + "(" + items() + ")";
    case Node::Kind::array:
      return "[" + items() + "]";
    case Node::Kind::minus:
      return "(-" + items() + ")";
    case Node::Kind::binary:
      return fmt::format("({} {} {})", format(node.children[0]), node.text, format(node.children[1]));
  }
  return {};
}

}  // namespace brume::cloudwatch::expression
