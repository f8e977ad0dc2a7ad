#include "services/cloudwatch/expression/search.h"

#include <algorithm>
#include <cctype>

namespace brume::cloudwatch::expression {
namespace {

constexpr std::size_t kLongest = 1024;
constexpr int kDeepest = 32;

bool is_space(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}
bool is_upper(char c) {
  return std::isupper(static_cast<unsigned char>(c)) != 0;
}
bool is_lower(char c) {
  return std::islower(static_cast<unsigned char>(c)) != 0;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alnum(char c) {
  return is_upper(c) || is_lower(c) || is_digit(c);
}

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string letters_of(std::string_view text) {
  std::string out;
  std::ranges::copy_if(text, std::back_inserter(out), is_alnum);
  return out;
}

// Is the word `wanted` found in `name`?
bool finds(std::string_view wanted, std::string_view name) {
  const auto words = tokens(wanted);
  if (words.empty()) return false;
  const auto pieces = tokens(name);
  // All letters and digits of a name together are a token too.
  if (same_letters(letters_of(name), letters_of(wanted))) return true;
  if (words.size() == 1)
    return std::ranges::any_of(pieces, [&](std::string_view piece) { return same_letters(piece, words[0]); });
  const bool any_case = !std::ranges::all_of(wanted, is_alnum);
  return !std::ranges::search(pieces, words, [&](std::string_view a, std::string_view b) {
            return any_case ? same_letters(a, b) : a == b;
          }).empty();
}

bool matches(const SearchTerm& term, const MetricId& metric) {
  const auto here = [&](const SearchTerm& t) { return matches(t, metric); };
  switch (term.kind) {
    case SearchTerm::Kind::all_of:
      return std::ranges::all_of(term.terms, here);
    case SearchTerm::Kind::any_of:
      return std::ranges::any_of(term.terms, here);
    case SearchTerm::Kind::none_of:
      return std::ranges::none_of(term.terms, here);
    case SearchTerm::Kind::match:
      break;
  }
  const auto hit = [&](const std::string& name) { return term.exact ? name == term.text : finds(term.text, name); };
  if (term.property == "MetricName") return hit(metric.name);
  if (term.property == "Namespace") return hit(metric.metric_namespace);
  if (!term.property.empty())
    return std::ranges::any_of(metric.dimensions,
                               [&](const auto& d) { return d.first == term.property && hit(d.second); });
  return hit(metric.name) || hit(metric.metric_namespace) ||
         std::ranges::any_of(metric.dimensions, [&](const auto& d) { return hit(d.first) || hit(d.second); });
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Search> whole() {
    Search search;
    if (peek() == '{') {
      ++at_;
      BRUME_CHECK(schema(search));
      if (peek() == ',') ++at_;
    }
    if (peek() != '\0') {
      BRUME_TRY(term, any_of());
      search.term = std::move(term);
    }
    if (peek() == ')') return wrong("a ')' has no '('");
    if (!search.metric_namespace && search.term.kind == SearchTerm::Kind::all_of && search.term.terms.empty())
      return wrong("it names neither a namespace nor a term");
    return search;
  }

 private:
  static std::unexpected<Error> wrong(std::string_view what) {
    return fail("ValidationError", "The search of SEARCH() cannot be read: {}", what);
  }
  char peek() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take_word(std::string_view word) {
    peek();
    const std::string_view rest = text_.substr(at_);
    if (!rest.starts_with(word)) return false;
    if (rest.size() > word.size() && !is_space(rest[word.size()]) && rest[word.size()] != '(') return false;
    at_ += word.size();
    return true;
  }

  Result<void> schema(Search& search) {
    for (;;) {
      BRUME_TRY(name, word_or_quoted(",}"));
      if (!search.metric_namespace)
        search.metric_namespace = std::move(name.first);
      else
        search.dimensions.push_back(std::move(name.first));
      const char next = peek();
      ++at_;
      if (next == '}') return {};
      if (next != ',') return wrong("the metric schema does not end with '}'");
    }
  }
  // The text, and whether it was quoted.
  Result<std::pair<std::string, bool>> word_or_quoted(std::string_view ends) {
    std::string out;
    if (peek() == '"') {
      for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
        if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
        out += text_[at_];
      }
      if (at_ >= text_.size()) return wrong("a '\"' is missing");
      ++at_;
      return std::pair(std::move(out), true);
    }
    while (at_ < text_.size() && !is_space(text_[at_]) && ends.find(text_[at_]) == std::string_view::npos)
      out += text_[at_++];
    if (out.empty()) return wrong("a name is missing");
    return std::pair(std::move(out), false);
  }

  Result<SearchTerm> any_of() {
    SearchTerm any{.kind = SearchTerm::Kind::any_of};
    do {
      BRUME_TRY(term, all_of());
      any.terms.push_back(std::move(term));
    } while (take_word("OR"));
    if (any.terms.size() > 1) return any;
    SearchTerm only = std::move(any.terms.front());
    return only;
  }
  Result<SearchTerm> all_of() {
    SearchTerm all;
    do {
      BRUME_TRY(term, one());
      all.terms.push_back(std::move(term));
      if (take_word("AND")) continue;
      const std::size_t before = at_;
      if (take_word("OR")) {
        at_ = before;
        break;
      }
    } while (peek() != '\0' && peek() != ')');
    return all;
  }
  Result<SearchTerm> one() {
    if (take_word("NOT")) {
      if (++depth_ > kDeepest) return wrong("it is nested too deep");
      BRUME_TRY(term, one());
      --depth_;
      SearchTerm none{.kind = SearchTerm::Kind::none_of};
      none.terms.push_back(std::move(term));
      return none;
    }
    if (peek() == '(') {
      if (++depth_ > kDeepest) return wrong("it is nested too deep");
      ++at_;
      BRUME_TRY(term, any_of());
      if (peek() != ')') return wrong("a ')' is missing");
      ++at_;
      --depth_;
      return std::move(term);
    }
    SearchTerm match{.kind = SearchTerm::Kind::match};
    BRUME_TRY(first, word_or_quoted("()=\""));
    if (peek() == '=') {
      ++at_;
      match.property = std::move(first.first);
      BRUME_TRY(second, word_or_quoted("()=\""));
      first = std::move(second);
    }
    match.text = std::move(first.first);
    match.exact = first.second;
    return match;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

std::vector<std::string_view> tokens(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t begin = 0;
  while (begin < text.size()) {
    if (!is_alnum(text[begin])) {
      ++begin;
      continue;
    }
    std::size_t end = begin + 1;
    if (is_digit(text[begin])) {
      while (end < text.size() && is_digit(text[end])) ++end;
    } else {
      while (end < text.size() && is_upper(text[begin]) && is_upper(text[end])) ++end;
      // The last of several capitals begins the next word if small letters follow: SDB, Failure.
      if (end < text.size() && is_lower(text[end]) && end - begin > 1)
        --end;
      else
        while (end < text.size() && is_lower(text[end])) ++end;
    }
    out.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return out;
}

Result<Search> parse_search(std::string_view text) {
  if (text.size() > kLongest)
    return fail("ValidationError", "The search of SEARCH() has more than {} characters", kLongest);
  return Parser(text).whole();
}

bool matches(const Search& search, const MetricId& metric) {
  if (search.metric_namespace && *search.metric_namespace != metric.metric_namespace) return false;
  if (!search.dimensions.empty()) {
    if (metric.dimensions.size() != search.dimensions.size()) return false;
    for (const auto& [name, value] : metric.dimensions)
      if (std::ranges::find(search.dimensions, name) == search.dimensions.end()) return false;
  }
  return matches(search.term, metric);
}

}  // namespace brume::cloudwatch::expression
