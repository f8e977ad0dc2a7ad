#include "services/logs/pattern/json_scan.h"

#include <array>
#include <bit>
#include <cstring>

#include "services/logs/pattern/characters.h"

namespace brume::logs {
namespace {

constexpr int kDeepest = 1000;

static_assert(std::endian::native == std::endian::little);  // find_special looks at eight bytes at once

// The first byte from `at` on that does not stand for itself in a string: a quote, a backslash, a control character.
const char* find_special(const char* at, const char* end) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
  // High bits where a byte of `x` is less than `n`; exact up to the first one.
  const auto less = [](std::uint64_t x, std::uint64_t n) { return (x - kOnes * n) & ~x & kHighs; };
  while (end - at >= 8) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, at, 8);
    const std::uint64_t found = less(bytes, 0x20) | less(bytes ^ (kOnes * '"'), 1) | less(bytes ^ (kOnes * '\\'), 1);
    if (found != 0) return at + (std::countr_zero(found) >> 3);
    at += 8;
  }
  while (at < end && *at != '"' && *at != '\\' && static_cast<unsigned char>(*at) >= 0x20) ++at;
  return at;
}

bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
unsigned hex4(const char* at) {
  unsigned out = 0;
  for (int i = 0; i < 4; ++i) out = out * 16 + unsigned(is_digit(at[i]) ? at[i] - '0' : (at[i] | 0x20) - 'a' + 10);
  return out;
}

void append_utf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += char(code);
  } else if (code < 0x800) {
    out += char(0xC0 | (code >> 6));
    out += char(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += char(0xE0 | (code >> 12));
    out += char(0x80 | ((code >> 6) & 0x3F));
    out += char(0x80 | (code & 0x3F));
  } else {
    out += char(0xF0 | (code >> 18));
    out += char(0x80 | ((code >> 12) & 0x3F));
    out += char(0x80 | ((code >> 6) & 0x3F));
    out += char(0x80 | (code & 0x3F));
  }
}

// `raw` is the inside of a valid string.
std::string without_escapes(std::string_view raw) {
  std::string out;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      out += raw[i];
      continue;
    }
    static constexpr std::string_view kLetters = "bfnrt", kMeanings = "\b\f\n\r\t";
    const char c = raw[++i];
    if (const std::size_t letter = kLetters.find(c); letter != std::string_view::npos) {
      out += kMeanings[letter];
    } else if (c != 'u') {
      out += c;
    } else {
      unsigned code = hex4(raw.data() + i + 1);
      i += 4;
      if (code >= 0xD800 && code < 0xDC00 && raw.substr(i + 1, 2) == "\\u") {
        const unsigned low = hex4(raw.data() + i + 3);
        if (low >= 0xDC00 && low < 0xE000) {
          code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
          i += 6;
        }
      }
      append_utf8(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
    }
  }
  return out;
}

class Scanner {
 public:
  Scanner(std::string_view text, const JsonPaths& paths, JsonReader& reader)
      : at_(text.data()), end_(text.data() + text.size()), paths_(paths), reader_(reader) {}

  JsonScan all() {
    skip_spaces();
    if (peek() != '{' && peek() != '[') return JsonScan::not_json;
    Active root;
    root.add(0);
    if (!value(root, 0)) return stopped_ ? JsonScan::stopped : JsonScan::not_json;
    skip_spaces();
    return at_ == end_ ? JsonScan::whole : JsonScan::not_json;
  }

 private:
  // Where in the tree of paths the scan is. Without wildcards it is in one place; each path that has one adds at most
  // one.
  struct Active {
    std::array<std::uint32_t, JsonPaths::kMostWildcards + 1> nodes;
    std::size_t count = 0;
    void add(std::uint32_t node) { nodes[count++] = node; }
  };
  struct Text {
    std::string_view raw;
    bool escapes = false;
  };

  [[nodiscard]] char peek() const { return at_ < end_ ? *at_ : '\0'; }
  void skip_spaces() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  // All of these return false when the scan is over: what was read is not JSON, or stopped_.
  bool value(const Active& active, int depth) {
    skip_spaces();
    switch (peek()) {
      case '{':
        return depth < kDeepest && tell(active, {.kind = JsonValue::Kind::container, .text = {}}) &&
               object(active, depth);
      case '[':
        return depth < kDeepest && tell(active, {.kind = JsonValue::Kind::container, .text = {}}) &&
               array(active, depth);
      case '"': {
        Text text;
        if (!string(text)) return false;
        if (!wanted(active)) return true;
        if (!text.escapes) return tell(active, {.kind = JsonValue::Kind::string, .text = text.raw});
        const std::string meaning = without_escapes(text.raw);
        return tell(active, {.kind = JsonValue::Kind::string, .text = meaning});
      }
      case 't':
        return word("true") && tell(active, {.kind = JsonValue::Kind::yes, .text = {}});
      case 'f':
        return word("false") && tell(active, {.kind = JsonValue::Kind::no, .text = {}});
      case 'n':
        return word("null") && tell(active, {.kind = JsonValue::Kind::null, .text = {}});
      default: {
        const char* const begin = at_;
        return number() && tell(active, {.kind = JsonValue::Kind::number, .text = {begin, std::size_t(at_ - begin)}});
      }
    }
  }

  bool object(const Active& active, int depth) {
    ++at_;
    skip_spaces();
    if (take('}')) return true;
    for (;;) {
      Text name;
      skip_spaces();
      if (!string(name)) return false;
      skip_spaces();
      if (!take(':')) return false;
      Active below;
      if (active.count > 0 && !checking_) {
        std::string meaning;
        if (name.escapes) name.raw = meaning = without_escapes(name.raw);
        enter_property(active, name.raw, below);
      }
      if (!value(below, depth + 1)) return false;
      skip_spaces();
      if (take('}')) return true;
      if (!take(',')) return false;
    }
  }
  bool array(const Active& active, int depth) {
    ++at_;
    skip_spaces();
    if (take(']')) return true;
    for (std::uint32_t element = 0;; ++element) {
      Active below;
      if (active.count > 0 && !checking_) enter_element(active, element, below);
      if (!value(below, depth + 1)) return false;
      skip_spaces();
      if (take(']')) return true;
      if (!take(',')) return false;
    }
  }

  void enter_property(const Active& active, std::string_view name, Active& below) const {
    for (std::size_t i = 0; i < active.count; ++i) {
      const JsonPaths::Node& node = paths_.node(active.nodes[i]);
      for (const auto& [its, next] : node.properties)
        if (its == name) {
          below.add(next);
          break;
        }
      if (node.any_property != 0) below.add(node.any_property);
    }
  }
  void enter_element(const Active& active, std::uint32_t element, Active& below) const {
    for (std::size_t i = 0; i < active.count; ++i) {
      const JsonPaths::Node& node = paths_.node(active.nodes[i]);
      for (const auto& [its, next] : node.elements)
        if (its == element) {
          below.add(next);
          break;
        }
      if (node.any_element != 0) below.add(node.any_element);
    }
  }

  [[nodiscard]] bool wanted(const Active& active) const {
    for (std::size_t i = 0; i < active.count; ++i)
      if (paths_.node(active.nodes[i]).path >= 0) return !checking_;
    return false;
  }
  bool tell(const Active& active, const JsonValue& value) {
    for (std::size_t i = 0; i < active.count && !checking_; ++i) {
      const std::int32_t path = paths_.node(active.nodes[i]).path;
      if (path < 0) continue;
      const JsonReader::Next next = reader_.found(std::size_t(path), value);
      stopped_ = next == JsonReader::Next::stop;
      checking_ = next == JsonReader::Next::check;
      if (stopped_) return false;
    }
    return true;
  }

  bool string(Text& out) {
    if (!take('"')) return false;
    const char* const begin = at_;
    for (;;) {
      at_ = find_special(at_, end_);
      if (at_ == end_) return false;
      if (*at_ == '"') {
        out.raw = {begin, std::size_t(at_ - begin)};
        ++at_;
        return true;
      }
      if (*at_ != '\\') return false;
      if (++at_ == end_) return false;
      out.escapes = true;
      if (*at_ == 'u') {
        if (end_ - at_ < 5 || !is_hex(at_[1]) || !is_hex(at_[2]) || !is_hex(at_[3]) || !is_hex(at_[4])) return false;
        at_ += 5;
      } else if (std::string_view("\"\\/bfnrt").contains(*at_)) {
        ++at_;
      } else {
        return false;
      }
    }
  }
  bool word(std::string_view is) {
    if (std::size_t(end_ - at_) < is.size() || std::memcmp(at_, is.data(), is.size()) != 0) return false;
    at_ += is.size();
    return true;
  }
  bool digits() {
    const char* const begin = at_;
    while (at_ < end_ && is_digit(*at_)) ++at_;
    return at_ != begin;
  }
  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }

  const char* at_;
  const char* const end_;
  const JsonPaths& paths_;
  JsonReader& reader_;
  bool stopped_ = false, checking_ = false;
};

}  // namespace

JsonScan scan_json(std::string_view text, const JsonPaths& paths, JsonReader& reader) {
  return Scanner(text, paths, reader).all();
}

}  // namespace brume::logs
