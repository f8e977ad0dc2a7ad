#include <algorithm>

#include "services/cloudformation/template/parse.h"

namespace brume::cloudformation::templates {
namespace {

// A parser of its own because libraries do not keep line numbers.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  Result<Value> document() {
    BRUME_TRY(value, read(0));
    skip_space();
    if (at_ != text_.size()) return error("unexpected text after the end of the JSON document");
    return value;
  }

 private:
  [[nodiscard]] std::unexpected<Error> error(std::string_view what) const {
    return format_error(line_, "JSON not well-formed: {}", what);
  }
  void skip_space() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\n')
        ++line_;
      else if (c != ' ' && c != '\t' && c != '\r')
        return;
    }
  }
  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Result<Value> read(int depth) {
    if (depth > kMaxDepth) return error(fmt::format("nested more than {} levels deep", kMaxDepth));
    skip_space();
    const int line = line_;
    if (at_ >= text_.size()) return error("unexpected end");
    const char c = text_[at_];
    if (c == '{') return read_map(depth);
    if (c == '[') return read_list(depth);
    if (c == '"') {
      BRUME_TRY(text, read_string());
      return Value::string(std::move(text), line);
    }
    for (const std::string_view word : {"true", "false", "null"}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return word == "null" ? Value{.line = line} : Value::boolean(word == "true", line);
    }
    return read_number();
  }

  Result<Value> read_number() {
    const std::size_t start = at_;
    const auto digits = [&] {
      const std::size_t first = at_;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
      return at_ > first;
    };
    const auto is = [&](std::string_view set) { return at_ < text_.size() && set.contains(text_[at_]); };
    if (is("-")) ++at_;
    const bool zero = is("0");
    const std::size_t first = at_;
    if (!digits() || (zero && at_ - first > 1)) return error("unexpected character");
    if (is(".")) {
      ++at_;
      if (!digits()) return error("a number without digits after its point");
    }
    if (is("eE")) {
      ++at_;
      if (is("+-")) ++at_;
      if (!digits()) return error("a number without an exponent");
    }
    return Value::number(std::string(text_.substr(start, at_ - start)), line_);
  }

  Result<Value> read_map(int depth) {
    Value map = Value::map(line_);
    ++at_;
    if (take('}')) return map;
    do {
      skip_space();
      const int line = line_;
      if (at_ >= text_.size() || text_[at_] != '"') return error("a key in quotes is missing");
      BRUME_TRY(key, read_string());
      if (!take(':')) return error("a colon is missing");
      BRUME_TRY(value, read(depth + 1));
      value.line = line;
      if (map.find(key)) return format_error(line, "duplicate key '{}'", key);
      map.keys.push_back(key);
      map.items.push_back(std::move(value));
    } while (take(','));
    if (!take('}')) return error("a comma or } is missing");
    return map;
  }

  Result<Value> read_list(int depth) {
    Value list = Value::list({}, line_);
    ++at_;
    if (take(']')) return list;
    do {
      BRUME_TRY(value, read(depth + 1));
      list.items.push_back(std::move(value));
    } while (take(','));
    if (!take(']')) return error("a comma or ] is missing");
    return list;
  }

  Result<unsigned> read_unit() {
    if (at_ + 4 > text_.size()) return error("unexpected end");
    unsigned unit = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = text_[at_];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return error("a bad \\u escape");
      unit = unit * 16 + unsigned(digit);
    }
    return unit;
  }

  Result<std::string> read_string() {
    std::string out;
    for (++at_; at_ < text_.size();) {
      const char c = text_[at_++];
      if (c == '"') return out;
      if (static_cast<unsigned char>(c) < 0x20) return error("a control character in a string");
      if (c != '\\') {
        out += c;
        continue;
      }
      if (at_ >= text_.size()) break;
      const char escape = text_[at_++];
      constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
      if (const std::size_t found = kFrom.find(escape); found != std::string_view::npos) {
        out += kTo[found];
      } else if (escape == 'u') {
        BRUME_TRY(unit, read_unit());
        unsigned code = unit;
        if (code >= 0xd800 && code < 0xdc00 && text_.substr(at_).starts_with("\\u")) {
          at_ += 2;
          BRUME_TRY(low, read_unit());
          if (low < 0xdc00 || low > 0xdfff) return error("a bad \\u escape");
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        } else if (code >= 0xd800 && code <= 0xdfff) {
          return error("a bad \\u escape");
        }
        append_utf8(out, code);
      } else {
        return error("a bad escape in a string");
      }
    }
    return error("a string without an end");
  }

  static void append_utf8(std::string& out, unsigned code) {
    if (code < 0x80) {
      out += char(code);
      return;
    }
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    constexpr unsigned kLead[] = {0, 0xc0, 0xe0, 0xf0};
    out += char(kLead[more] | code >> 6 * more);
    for (int i = more - 1; i >= 0; --i) out += char(0x80 | (code >> 6 * i & 0x3f));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

Result<Value> parse_json(std::string_view text) {
  return JsonReader(text).document();
}

Result<Value> parse_text(std::string_view text) {
  if (text.size() > kMaxBody)
    return fail("ValidationError",
                "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have "
                "length less than or equal to {}",
                kMaxBody);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return fail("ValidationError", "Template format error: the template is empty");
  return text[first] == '{' ? parse_json(text) : parse_yaml(text);
}

}  // namespace brume::cloudformation::templates
