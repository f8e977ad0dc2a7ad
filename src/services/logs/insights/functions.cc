#include "services/logs/insights/functions.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>

#include "base/json.h"
#include "services/logs/insights/json_fields.h"

namespace brume::logs::insights {
namespace {

using Arguments = std::span<const Value>;
constexpr std::string_view kSpace = " \t\r\n\f\v";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
}
char upper(char c) {
  return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c;
}

// --- numeric ---

template <double (*F)(double)>
Value of_number(Arguments a, Scratch&) {
  const std::optional<double> x = to_number(a[0]);
  return x ? Value::of(F(*x)) : Value{};
}
double absolute(double x) {
  return std::abs(x);
}
double round_up(double x) {
  return std::ceil(x);
}
double round_down(double x) {
  return std::floor(x);
}
double natural_log(double x) {
  return std::log(x);
}
double square_root(double x) {
  return std::sqrt(x);
}

template <bool greatest>
Value extreme(Arguments a, Scratch&) {
  std::optional<double> best;
  for (const Value& value : a)
    if (const std::optional<double> x = to_number(value))
      if (!best || (greatest ? *x > *best : *x < *best)) best = x;
  return best ? Value::of(*best) : Value{};
}

// --- general ---

Value is_present(Arguments a, Scratch&) {
  return Value::of(!a[0].missing());
}
Value coalesce(Arguments a, Scratch&) {
  for (const Value& value : a)
    if (!value.missing()) return value;
  return {};
}
Value choose(Arguments a, Scratch&) {
  return truth(a[0]) ? a[1] : a[2];
}

// --- strings ---

Value is_empty(Arguments a, Scratch& scratch) {
  return Value::of(to_text(a[0], scratch).value_or("").empty());
}
Value is_blank(Arguments a, Scratch& scratch) {
  return Value::of(to_text(a[0], scratch).value_or("").find_first_not_of(kSpace) == std::string_view::npos);
}
// Functions that make texts longer would otherwise, applied again and again, take any memory.
Value bounded(std::string text, Scratch& scratch) {
  return text.size() <= kLongestText ? Value::of(scratch.keep(std::move(text))) : Value{};
}
Value concat(Arguments a, Scratch& scratch) {
  std::string out;
  for (const Value& value : a) {
    out += to_text(value, scratch).value_or("");
    if (out.size() > kLongestText) return {};
  }
  return bounded(std::move(out), scratch);
}

template <bool left, bool right>
Value trim(Arguments a, Scratch& scratch) {
  std::optional<std::string_view> text = to_text(a[0], scratch);
  const std::optional<std::string_view> characters = a.size() > 1 ? to_text(a[1], scratch) : kSpace;
  if (!text || !characters) return {};
  if (left) text->remove_prefix(std::min(text->find_first_not_of(*characters), text->size()));
  if (right) *text = text->substr(0, text->find_last_not_of(*characters) + 1);
  return Value::of(*text);
}

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}
Value length(Arguments a, Scratch& scratch) {
  const std::optional<std::string_view> text = to_text(a[0], scratch);
  return text ? Value::of(double(std::ranges::count_if(*text, begins_character))) : Value{};
}
// Where character `index` of a text in UTF-8 begins; its size if it has no more.
std::size_t offset_of(std::string_view text, double index) {
  std::size_t at = 0;
  for (double seen = 0; at < text.size(); ++at) {
    if (!begins_character(text[at])) continue;
    if (seen >= index) return at;
    ++seen;
  }
  return at;
}
Value substring(Arguments a, Scratch& scratch) {
  const std::optional<std::string_view> text = to_text(a[0], scratch);
  const std::optional<double> from = to_number(a[1]);
  if (!text || !from) return {};
  const std::string_view rest = text->substr(offset_of(*text, *from));
  if (a.size() < 3) return Value::of(rest);
  const std::optional<double> count = to_number(a[2]);
  return count ? Value::of(rest.substr(0, *count > 0 ? offset_of(rest, *count) : 0)) : Value{};
}

template <char (*F)(char)>
Value map_letters(Arguments a, Scratch& scratch) {
  const std::optional<std::string_view> text = to_text(a[0], scratch);
  if (!text) return {};
  std::string& out = scratch.next();
  out = *text;
  for (char& c : out) c = F(c);
  return Value::of(std::string_view(out));
}
Value replace(Arguments a, Scratch& scratch) {
  const std::optional<std::string_view> text = to_text(a[0], scratch), what = to_text(a[1], scratch),
                                        with = to_text(a[2], scratch);
  if (!text || !what || !with) return {};
  if (what->empty()) return Value::of(*text);
  std::string out;
  std::size_t at = 0;
  for (std::size_t next; (next = text->find(*what, at)) != std::string_view::npos; at = next + what->size()) {
    out.append(*text, at, next - at).append(*with);
    if (out.size() > kLongestText) return {};
  }
  return bounded(std::move(out.append(*text, at)), scratch);
}
Value contains(Arguments a, Scratch& scratch) {
  const std::optional<std::string_view> text = to_text(a[0], scratch), what = to_text(a[1], scratch);
  return Value::of(text && what && text->find(*what) != std::string_view::npos);
}

// --- addresses ---

struct Address {
  int family = 0;
  std::array<std::uint8_t, 16> bytes{};
};
std::optional<Address> to_address(std::string_view text) {
  char copy[INET6_ADDRSTRLEN] = {};
  if (text.empty() || text.size() >= sizeof copy) return std::nullopt;
  std::memcpy(copy, text.data(), text.size());
  Address out;
  out.family = text.find(':') == std::string_view::npos ? AF_INET : AF_INET6;
  if (::inet_pton(out.family, copy, out.bytes.data()) != 1) return std::nullopt;
  return out;
}
struct Block {
  Address first;
  unsigned length = 0;
};
std::optional<Block> to_block(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::optional<Address> first = to_address(text.substr(0, slash));
  Block out;
  const auto [end, error] = std::from_chars(text.data() + slash + 1, text.data() + text.size(), out.length);
  if (!first || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (out.length > (first->family == AF_INET ? 32U : 128U)) return std::nullopt;
  out.first = *first;
  return out;
}
bool within(const Address& address, const Block& block) {
  if (address.family != block.first.family) return false;
  const std::size_t whole = block.length / 8;
  if (!std::equal(address.bytes.begin(), address.bytes.begin() + whole, block.first.bytes.begin())) return false;
  const unsigned rest = block.length % 8;
  return rest == 0 || ((address.bytes[whole] ^ block.first.bytes[whole]) >> (8 - rest)) == 0;
}

// `family`: AF_INET, AF_INET6, or 0 for both.
template <int family>
Value is_address(Arguments a, Scratch& scratch) {
  const std::optional<Address> address = to_address(to_text(a[0], scratch).value_or(""));
  return Value::of(address && (family == 0 || address->family == family));
}
template <int family>
Value is_in_block(Arguments a, Scratch& scratch) {
  const std::optional<Address> address = to_address(to_text(a[0], scratch).value_or(""));
  const std::optional<Block> block = to_block(to_text(a[1], scratch).value_or(""));
  return Value::of(address && block && (family == 0 || address->family == family) && within(*address, *block));
}

// --- JSON ---

Value parse_json(Arguments a, Scratch&) {
  const std::string_view json = a[0].kind == Value::Kind::text ? whole_structure(a[0].text) : std::string_view();
  return json.empty() ? Value{} : Value::structure(json);
}
Value to_json_text(Arguments a, Scratch& scratch) {
  if (a[0].kind == Value::Kind::json) return Value::of(a[0].text);
  if (a[0].kind == Value::Kind::text && !to_number(a[0])) return bounded(json_quote(a[0].text), scratch);
  const std::optional<std::string_view> text = to_text(a[0], scratch);
  return text ? Value::of(*text) : Value{};
}

constexpr Function kFunctions[] = {
    {"abs", 1, 1, of_number<absolute>},
    {"ceil", 1, 1, of_number<round_up>},
    {"floor", 1, 1, of_number<round_down>},
    {"log", 1, 1, of_number<natural_log>},
    {"sqrt", 1, 1, of_number<square_root>},
    {"greatest", 1, kMostArguments, extreme<true>},
    {"least", 1, kMostArguments, extreme<false>},
    {"ispresent", 1, 1, is_present},
    {"coalesce", 1, kMostArguments, coalesce},
    {"if", 3, 3, choose},
    {"isempty", 1, 1, is_empty},
    {"isblank", 1, 1, is_blank},
    {"concat", 1, kMostArguments, concat},
    {"ltrim", 1, 2, trim<true, false>},
    {"rtrim", 1, 2, trim<false, true>},
    {"trim", 1, 2, trim<true, true>},
    {"strlen", 1, 1, length},
    {"toupper", 1, 1, map_letters<upper>},
    {"tolower", 1, 1, map_letters<lower>},
    {"substr", 2, 3, substring},
    {"replace", 3, 3, replace},
    {"strcontains", 2, 2, contains},
    {"isvalidip", 1, 1, is_address<0>},
    {"isvalidipv4", 1, 1, is_address<AF_INET>},
    {"isvalidipv6", 1, 1, is_address<AF_INET6>},
    {"isipinsubnet", 2, 2, is_in_block<0>},
    {"isipv4insubnet", 2, 2, is_in_block<AF_INET>},
    {"isipv6insubnet", 2, 2, is_in_block<AF_INET6>},
    {"jsonparse", 1, 1, parse_json},
    {"jsonstringify", 1, 1, to_json_text},
    {"frommillis", 1, 1,
     [](Arguments a, Scratch&) {
       const std::optional<double> x = to_number(a[0]);
       return x ? Value::at(*x) : Value{};
     }},
    {"tomillis", 1, 1,
     [](Arguments a, Scratch&) { return a[0].kind == Value::Kind::time ? Value::of(a[0].number) : Value{}; }},
};

}  // namespace

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

const Function* find_function(std::string_view name) {
  for (const Function& function : kFunctions)
    if (same_word(function.name, name)) return &function;
  return nullptr;
}

bool is_address_block(std::string_view text) {
  return to_block(text).has_value();
}

}  // namespace brume::logs::insights
