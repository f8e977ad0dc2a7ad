#include "services/cloudformation/template/value.h"

#include <algorithm>

#include "base/json.h"

namespace brume::cloudformation::templates {

bool Value::has_unknown() const {
  return is_unknown() || std::ranges::any_of(items, [](const Value& item) { return item.has_unknown(); });
}

const Value* Value::find(std::string_view key) const {
  const auto found = std::ranges::find(keys, key);
  return found == keys.end() ? nullptr : &items[std::size_t(found - keys.begin())];
}

Value* Value::find(std::string_view key) {
  return const_cast<Value*>(std::as_const(*this).find(key));
}

void Value::set(std::string key, Value value) {
  if (Value* known = find(key)) {
    *known = std::move(value);
  } else {
    keys.push_back(std::move(key));
    items.push_back(std::move(value));
  }
}

std::string Value::text_of(std::string_view key) const {
  const Value* value = find(key);
  return value && value->is_scalar() ? value->text : std::string();
}

bool operator==(const Value& a, const Value& b) {
  if (a.is_scalar() && b.is_scalar()) return a.text == b.text;
  if (a.kind != b.kind || a.items.size() != b.items.size()) return false;
  if (!a.is_map()) return std::ranges::equal(a.items, b.items);
  for (std::size_t i = 0; i < a.keys.size(); ++i) {
    const Value* other = b.find(a.keys[i]);
    if (!other || !(*other == a.items[i])) return false;
  }
  return true;
}

namespace {

void write(std::string& out, const Value& value) {
  switch (value.kind) {
    case Value::Kind::null:
    case Value::Kind::unknown:
      out += "null";
      return;
    case Value::Kind::boolean:
      out += value.text;
      return;
    // A number that JSON would not take (007, +1, 0x10) is written as a string.
    case Value::Kind::number: {
      const std::size_t digits = value.text.find_first_not_of('-');
      const bool plain = value.text.find_first_not_of("-0123456789.eE+") == std::string::npos && digits <= 1 &&
                         digits < value.text.size() && value.text[digits] >= '0' && value.text[digits] <= '9' &&
                         value.text.back() != '.' &&
                         !(value.text[digits] == '0' && digits + 1 < value.text.size() &&
                           value.text[digits + 1] >= '0' && value.text[digits + 1] <= '9');
      out += plain ? value.text : json_quote(value.text);
      return;
    }
    case Value::Kind::string:
      out += json_quote(value.text);
      return;
    case Value::Kind::list:
      out += '[';
      break;
    case Value::Kind::map:
      out += '{';
      break;
  }
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (i) out += ',';
    if (value.is_map()) out += json_quote(value.keys[i]) + ":";
    write(out, value.items[i]);
  }
  out += value.is_map() ? '}' : ']';
}

}  // namespace

std::string to_json_text(const Value& value) {
  std::string out;
  write(out, value);
  return out;
}

}  // namespace brume::cloudformation::templates
