#include "services/logs/insights/json_fields.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace brume::logs::insights {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

const char* skip_space(const char* at, const char* end) {
  while (at < end && is_space(*at)) ++at;
  return at;
}

// From behind the opening quote to the closing one; null if there is none.
const char* closing_quote(const char* at, const char* end) {
  const char* const begin = at;
  for (;;) {
    at = static_cast<const char*>(std::memchr(at, '"', std::size_t(end - at)));
    if (at == nullptr) return nullptr;
    std::size_t escapes = 0;
    while (at - escapes > begin && at[-1 - std::ptrdiff_t(escapes)] == '\\') ++escapes;
    if (escapes % 2 == 0) return at;
    ++at;
  }
}

// Behind the value that begins here; null if the text ends before it does.
const char* skip_value(const char* at, const char* end) {
  if (at == end) return nullptr;
  if (*at == '"') {
    at = closing_quote(at + 1, end);
    return at == nullptr ? nullptr : at + 1;
  }
  if (*at != '{' && *at != '[') {
    while (at < end && *at != ',' && *at != '}' && *at != ']' && !is_space(*at)) ++at;
    return at;
  }
  for (int depth = 0; at < end; ++at) {
    if (*at == '"') {
      at = closing_quote(at + 1, end);
      if (at == nullptr) return nullptr;
    } else if (*at == '{' || *at == '[') {
      ++depth;
    } else if (*at == '}' || *at == ']') {
      if (--depth == 0) return at + 1;
    }
  }
  return nullptr;
}

void append_utf8(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out += char(point);
  } else if (point < 0x800) {
    out += {char(0xC0 | (point >> 6)), char(0x80 | (point & 0x3F))};
  } else if (point < 0x10000) {
    out += {char(0xE0 | (point >> 12)), char(0x80 | ((point >> 6) & 0x3F)), char(0x80 | (point & 0x3F))};
  } else {
    out += {char(0xF0 | (point >> 18)), char(0x80 | ((point >> 12) & 0x3F)), char(0x80 | ((point >> 6) & 0x3F)),
            char(0x80 | (point & 0x3F))};
  }
}

// The four hexadecimal digits at `at`; U+FFFD if they are not.
std::uint32_t hex4(std::string_view text, std::size_t at) {
  std::uint32_t value = 0;
  if (at + 4 > text.size()) return 0xFFFD;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + 4, value, 16);
  return error == std::errc{} && end == text.data() + at + 4 ? value : 0xFFFD;
}

std::string_view unescape(std::string_view raw, Scratch& scratch) {
  if (raw.find('\\') == std::string_view::npos) return raw;
  std::string& out = scratch.next();
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\' || i + 1 == raw.size()) {
      out += raw[i];
      continue;
    }
    const char c = raw[++i];
    if (c == 'u') {
      std::uint32_t point = hex4(raw, i + 1);
      i += 4;
      if (point >= 0xD800 && point < 0xDC00 && raw.substr(std::min(i + 1, raw.size())).starts_with("\\u")) {
        if (const std::uint32_t low = hex4(raw, i + 3); low >= 0xDC00 && low < 0xE000) {
          point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
          i += 6;
        }
      }
      append_utf8(out, point >= 0xD800 && point < 0xE000 ? 0xFFFD : point);
    } else {
      constexpr std::string_view from = "bfnrt", to = "\b\f\n\r\t";
      const std::size_t which = from.find(c);
      out += which == std::string_view::npos ? c : to[which];
    }
  }
  return out;
}

}  // namespace

// Every function returns where it got to, or null when there is no more to find.
struct JsonFields::Pass {
  const std::vector<std::string>& paths;
  bool structures;
  std::vector<Active>& work;
  std::span<Value> values;
  Scratch& scratch;
  const char* end;
  std::size_t left;  // values not found

  // Which of the active paths [first, last) lead into the member `name`: put behind the others.
  void enter(std::string_view name, std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      const Active active = work[i];
      if (ends_here(active)) continue;
      const std::string_view rest = std::string_view(paths[active.path]).substr(active.offset);
      if (!rest.starts_with(name)) continue;
      if (rest.size() == name.size())
        work.push_back({active.path, std::uint32_t(active.offset + name.size())});
      else if (rest[name.size()] == '.')
        work.push_back({active.path, std::uint32_t(active.offset + name.size() + 1)});
    }
  }
  [[nodiscard]] bool ends_here(const Active& active) const { return active.offset >= paths[active.path].size(); }

  const char* value(const char* at, std::size_t first) {
    const std::size_t last = work.size();
    if (first == last) return skip_value(at, end);
    if (at == end) return nullptr;
    if (*at == '{' || *at == '[') {
      const char* const begin = at;
      at = structures ? skip_value(begin, end) : nullptr;
      if (at != nullptr) set(Value::structure({begin, std::size_t(at - begin)}), first, last);
      if (left == 0) return nullptr;
      const char* const behind = *begin == '{' ? object(begin + 1, first, last) : array(begin + 1, first, last);
      work.resize(first);
      return behind;
    }
    const char* const behind = skip_value(at, end);
    if (behind == nullptr) return nullptr;
    const std::string_view raw(at, std::size_t(behind - at));
    if (raw.empty()) return nullptr;
    set(scalar(raw), first, last);
    work.resize(first);
    return left == 0 ? nullptr : behind;
  }
  void set(const Value& value, std::size_t first, std::size_t last) {
    if (value.missing()) return;
    for (std::size_t i = first; i < last; ++i) {
      if (!ends_here(work[i]) || !values[work[i].path].missing()) continue;
      values[work[i].path] = value;
      --left;
    }
  }
  Value scalar(std::string_view raw) {
    if (raw.size() >= 2 && raw[0] == '"') return Value::of(unescape(raw.substr(1, raw.size() - 2), scratch));
    if (raw == "true" || raw == "false") return Value::of(raw == "true");
    if (raw == "null") return {};
    return Value::of(raw);
  }

  const char* object(const char* at, std::size_t first, std::size_t last) {
    for (at = skip_space(at, end); at < end && *at != '}';) {
      if (*at != '"') return nullptr;
      const char* const name = at + 1;
      at = closing_quote(name, end);
      if (at == nullptr) return nullptr;
      enter(unescape({name, std::size_t(at - name)}, scratch), first, last);
      at = skip_space(at + 1, end);
      if (at == end || *at != ':') return nullptr;
      at = value(skip_space(at + 1, end), last);
      if (at == nullptr) return nullptr;
      at = skip_space(at, end);
      if (at < end && *at == ',') at = skip_space(at + 1, end);
    }
    return at < end ? at + 1 : nullptr;
  }
  const char* array(const char* at, std::size_t first, std::size_t last) {
    at = skip_space(at, end);
    for (std::size_t index = 0; at < end && *at != ']'; ++index) {
      char name[20];
      const auto written = std::to_chars(name, name + sizeof name, index);
      enter({name, written.ptr}, first, last);
      const char* const begin = at;
      at = value(at, last);
      if (at == nullptr || at == begin) return nullptr;
      at = skip_space(at, end);
      if (at < end && *at == ',') at = skip_space(at + 1, end);
    }
    return at < end ? at + 1 : nullptr;
  }
};

JsonFields::JsonFields(std::vector<std::string> paths, bool structures)
    : paths_(std::move(paths)), structures_(structures) {}

void JsonFields::find(std::string_view text, std::span<Value> values, Scratch& scratch) {
  for (Value& value : values) value = {};
  work_.clear();
  for (std::uint32_t i = 0; i < paths_.size(); ++i) work_.push_back({i, 0});
  const char* const end = text.data() + text.size();
  const char* const at = skip_space(text.data(), end);
  if (at == end || (*at != '{' && *at != '[') || paths_.empty()) return;
  Pass pass{paths_, structures_, work_, values, scratch, end, paths_.size()};
  pass.value(at, 0);
}

std::string_view whole_structure(std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* const begin = skip_space(text.data(), end);
  if (begin == end || (*begin != '{' && *begin != '[')) return {};
  const char* const behind = skip_value(begin, end);
  if (behind == nullptr || skip_space(behind, end) != end) return {};
  return {begin, std::size_t(behind - begin)};
}

}  // namespace brume::logs::insights
