#include "services/logs/pattern/term_pattern.h"

#include <algorithm>

#include "services/logs/pattern/characters.h"

namespace brume::logs {

bool TermPattern::Term::in(std::string_view message) const {
  const Substring* text = std::get_if<Substring>(&is_);
  return text != nullptr ? text->in(message) : std::get<Regex>(is_).in(message);
}

std::string_view TermPattern::Term::needle() const {
  const Substring* text = std::get_if<Substring>(&is_);
  return text != nullptr ? std::string_view(text->text()) : std::get<Regex>(is_).needle();
}

Result<std::vector<TermPattern::Term>> TermPattern::term(Cursor& cursor) {
  std::vector<Term> out;
  if (cursor.peek() == '%') {
    BRUME_TRY(regex, cursor.regex());
    out.emplace_back(std::move(regex));
  } else if (cursor.peek() == '"') {
    const std::size_t begin = cursor.position();
    BRUME_TRY(phrase, cursor.quoted());
    if (phrase.empty()) {
      cursor.go_back_to(begin);
      return cursor.wrong("Invalid character(s) in term '\"\"'");
    }
    if (phrase != " ") out.emplace_back(Substring(std::move(phrase)));  // " " matches all (user guide)
  } else {
    const std::string_view word = cursor.take_while([](char c) { return is_alphanumeric(c) || c == '_'; });
    if (word.empty()) return cursor.wrong_character();
    out.emplace_back(Substring(std::string(word)));
  }
  return out;
}

Result<TermPattern> TermPattern::parse(Cursor& cursor) {
  TermPattern out;
  bool others = false;  // than optional ones
  for (cursor.skip_spaces(); !cursor.at_end(); cursor.skip_spaces()) {
    std::vector<Term>* into = &out.all_;
    if (cursor.take("?")) {
      into = &out.any_;
    } else if (cursor.take("-")) {
      cursor.skip_spaces();
      into = &out.none_;
    }
    others |= into != &out.any_;
    BRUME_TRY(read, term(cursor));
    if (read.empty() && into != &out.all_) return cursor.wrong("\" \" matches everything and stands alone");
    for (Term& one : read) into->push_back(std::move(one));
    if (!cursor.at_end() && !is_space(cursor.peek())) return cursor.wrong_character();
  }
  if (others) out.any_.clear();
  if (out.any_.size() == 1) out.all_ = std::exchange(out.any_, {});
  return out;
}

bool TermPattern::matches(std::string_view message) const {
  const auto found = [&](const Term& term) { return term.in(message); };
  return std::ranges::all_of(all_, found) && (any_.empty() || std::ranges::any_of(any_, found)) &&
         std::ranges::none_of(none_, found);
}

std::string_view TermPattern::needle() const {
  std::string_view best;
  for (const Term& term : all_)
    if (const std::string_view needle = term.needle(); needle.size() > best.size()) best = needle;
  return best;
}

}  // namespace brume::logs
