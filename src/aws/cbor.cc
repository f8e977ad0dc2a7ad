#include "aws/cbor.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <variant>

#include "aws/http.h"

namespace brume::aws {
namespace {

constexpr int kMaxDepth = 32;
enum Major : unsigned { kUnsigned = 0, kNegative, kBytes, kText, kArray, kMap, kTag, kSimple };

// --- writing ---

void head(std::string& out, Major major, std::uint64_t argument) {
  const auto first = [&](unsigned info) { out += char(major << 5 | info); };
  int bytes = 0;
  if (argument < 24) return first(unsigned(argument));
  if (argument <= 0xFF)
    first(24), bytes = 1;
  else if (argument <= 0xFFFF)
    first(25), bytes = 2;
  else if (argument <= 0xFFFFFFFF)
    first(26), bytes = 4;
  else
    first(27), bytes = 8;
  while (bytes-- > 0) out += char(argument >> (8 * bytes) & 0xFF);
}

void write_integer(std::string& out, std::int64_t value) {
  if (value >= 0)
    head(out, kUnsigned, std::uint64_t(value));
  else
    head(out, kNegative, ~std::uint64_t(value));
}

void write_double(std::string& out, double value) {
  out += char(0xFB);
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (int i = 7; i >= 0; --i) out += char(bits >> (8 * i) & 0xFF);
}

void write_text(std::string& out, std::string_view text) {
  head(out, kText, text.size());
  out += text;
}

void write_value(std::string& out, const Shape& shape, const void* value) {
  switch (shape.kind) {
    case Kind::boolean:
      out += char(*static_cast<const bool*>(value) ? 0xF5 : 0xF4);
      return;
    case Kind::integer:
      return write_integer(out, *static_cast<const std::int32_t*>(value));
    case Kind::long_integer:
      return write_integer(out, *static_cast<const std::int64_t*>(value));
    case Kind::real:
      return write_double(out, *static_cast<const double*>(value));
    case Kind::string:
      return write_text(out, *static_cast<const std::string*>(value));
    case Kind::blob:
      head(out, kBytes, static_cast<const Blob*>(value)->bytes.size());
      out += static_cast<const Blob*>(value)->bytes;
      return;
    case Kind::timestamp: {
      head(out, kTag, 1);
      const auto millis = static_cast<const Timestamp*>(value)->time_since_epoch().count();
      if (millis % 1000 == 0)
        write_integer(out, millis / 1000);
      else
        write_double(out, double(millis) / 1000.0);
      return;
    }
    case Kind::list: {
      const std::size_t size = shape.list->size(value);
      head(out, kArray, size);
      for (std::size_t i = 0; i < size; ++i) write_value(out, *shape.element(), shape.list->at(value, i));
      return;
    }
    case Kind::map:
      head(out, kMap, shape.map->size(value));
      shape.map->each(value, [&](const std::string& key, const void* element) {
        write_text(out, key);
        write_value(out, *shape.element(), element);
      });
      return;
    case Kind::structure: {
      std::uint64_t count = 0;
      for (const Member& member : shape.members) count += member.get(value) != nullptr;
      head(out, kMap, count);
      for (const Member& member : shape.members)
        if (const void* held = member.get(value)) {
          write_text(out, member.wire());
          write_value(out, *member.shape(), held);
        }
      return;
    }
  }
}

// --- reading ---

double half(unsigned bits) {
  const unsigned exponent = bits >> 10 & 0x1F, fraction = bits & 0x3FF;
  double value = 0;
  if (exponent == 0)
    value = std::ldexp(double(fraction), -24);
  else if (exponent == 31)
    value = fraction ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  else
    value = std::ldexp(double(fraction + 1024), int(exponent) - 25);
  return bits & 0x8000 ? -value : value;
}

struct Head {
  unsigned major = 0, info = 0;
  std::uint64_t argument = 0;
  [[nodiscard]] bool indefinite() const { return info == 31; }
  [[nodiscard]] bool null() const { return major == kSimple && (info == 22 || info == 23); }
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  Result<void> document(const Shape& shape, void* out) {
    BRUME_CHECK(value(shape, out, "", 0));
    if (!rest_.empty()) return bad("", "nothing after its end");
    return {};
  }

  Result<void> value(const Shape& shape, void* out, const std::string& path, int depth) {
    if (depth > kMaxDepth) return bad(path, "less nesting");
    BRUME_TRY(h, next(path));
    switch (shape.kind) {
      case Kind::boolean:
        if (h.major != kSimple || (h.info != 20 && h.info != 21)) return bad(path, "true or false");
        *static_cast<bool*>(out) = h.info == 21;
        return {};
      case Kind::integer:
      case Kind::long_integer:
        return integer(shape.kind, out, h, path);
      case Kind::real: {
        BRUME_TRY(number, real(h, path));
        *static_cast<double*>(out) = number;
        return {};
      }
      case Kind::string: {
        if (h.major != kText) return bad(path, "a text string");
        BRUME_TRY(text, string(h, path));
        *static_cast<std::string*>(out) = std::move(text);
        return {};
      }
      case Kind::blob: {
        if (h.major != kBytes) return bad(path, "a byte string");
        BRUME_TRY(bytes, string(h, path));
        static_cast<Blob*>(out)->bytes = std::move(bytes);
        return {};
      }
      case Kind::timestamp: {
        if (h.major != kTag || h.argument != 1) return bad(path, "a timestamp (tag 1)");
        BRUME_TRY(inner, next(path));
        BRUME_TRY(seconds, real(inner, path));
        if (!std::isfinite(seconds)) return bad(path, "a finite time");
        *static_cast<Timestamp*>(out) = from_epoch_seconds(seconds);
        return {};
      }
      case Kind::list:
        if (h.major != kArray) return bad(path, "an array");
        return each(h, path, [&](std::uint64_t index) -> Result<void> {
          if (take_null()) return {};
          return value(*shape.element(), shape.list->append(out), fmt::format("{}[{}]", path, index), depth + 1);
        });
      case Kind::map:
        if (h.major != kMap) return bad(path, "a map");
        return each(h, path, [&](std::uint64_t) -> Result<void> {
          BRUME_TRY(name, key(path));
          if (take_null()) return {};
          return value(*shape.element(), shape.map->insert(out, name), path + "." + name, depth + 1);
        });
      case Kind::structure:
        if (h.major != kMap) return bad(path, "a map");
        return each(h, path, [&](std::uint64_t) -> Result<void> {
          BRUME_TRY(name, key(path));
          const Member* member = nullptr;
          for (const Member& m : shape.members)
            if (name == m.wire()) member = &m;
          if (!member) return skip(path, depth + 1);
          if (take_null()) return {};
          return value(*member->shape(), member->emplace(out), path.empty() ? name : path + "." + name, depth + 1);
        });
    }
    return {};
  }

  Result<void> skip(const std::string& path, int depth) {
    if (depth > kMaxDepth) return bad(path, "less nesting");
    BRUME_TRY(h, next(path));
    switch (h.major) {
      case kBytes:
      case kText: {
        BRUME_CHECK(string(h, path));
        return {};
      }
      case kArray:
        return each(h, path, [&](std::uint64_t) { return skip(path, depth + 1); });
      case kMap:
        return each(h, path, [&](std::uint64_t) -> Result<void> {
          BRUME_CHECK(skip(path, depth + 1));
          return skip(path, depth + 1);
        });
      case kTag:
        return skip(path, depth + 1);
      default:
        return {};
    }
  }

  // The text members of a map that is an error's body.
  std::pair<std::string, std::string> error() {
    std::pair<std::string, std::string> found;
    auto h = next("");
    if (!h || h->major != kMap) return found;
    auto read = each(*h, "", [&](std::uint64_t) -> Result<void> {
      BRUME_TRY(name, key(""));
      const bool text = !rest_.empty() && static_cast<unsigned char>(rest_[0]) >> 5 == kText;
      std::string* target = name == "__type"                         ? &found.first
                            : name == "message" || name == "Message" ? &found.second
                                                                     : nullptr;
      if (!text || !target) return skip("", 1);
      BRUME_TRY(inner, next(""));
      BRUME_TRY(value, string(inner, ""));
      *target = std::move(value);
      return {};
    });
    return found;
  }

 private:
  static std::unexpected<Error> bad(const std::string& path, std::string_view expected) {
    return fail("SerializationException", "{}: expected {}", path.empty() ? "The document" : path, expected);
  }

  Result<Head> next(const std::string& path) {
    if (rest_.empty()) return bad(path, "more bytes");
    const auto first = static_cast<unsigned char>(rest_[0]);
    Head h{unsigned(first >> 5), unsigned(first & 31), 0};
    rest_.remove_prefix(1);
    if (h.info < 24) {
      h.argument = h.info;
    } else if (h.info < 28) {
      const std::size_t bytes = std::size_t(1) << (h.info - 24);
      if (rest_.size() < bytes) return bad(path, "more bytes");
      for (std::size_t i = 0; i < bytes; ++i) h.argument = h.argument << 8 | static_cast<unsigned char>(rest_[i]);
      rest_.remove_prefix(bytes);
    } else if (h.info != 31 || h.major < kBytes || h.major > kMap) {
      return bad(path, "a well-formed item");  // reserved, or a break where no item ends
    }
    return h;
  }

  bool take_break() {
    if (rest_.empty() || rest_[0] != char(0xFF)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool take_null() {
    if (rest_.empty() || (rest_[0] != char(0xF6) && rest_[0] != char(0xF7))) return false;
    rest_.remove_prefix(1);
    return true;
  }

  template <typename F>
  Result<void> each(const Head& h, const std::string& path, F&& item) {
    // Every item is at least one byte (two for a map): a count beyond that is a lie.
    if (!h.indefinite() && h.argument > rest_.size()) return bad(path, "more bytes");
    for (std::uint64_t i = 0; h.indefinite() ? !take_break() : i < h.argument; ++i) BRUME_CHECK(item(i));
    return {};
  }

  Result<std::string> string(const Head& h, const std::string& path) {
    std::string text;
    if (!h.indefinite()) {
      if (h.argument > rest_.size()) return bad(path, "more bytes");
      text = rest_.substr(0, h.argument);
      rest_.remove_prefix(h.argument);
    } else {
      while (!take_break()) {
        BRUME_TRY(chunk, next(path));
        if (chunk.major != h.major || chunk.indefinite() || chunk.argument > rest_.size())
          return bad(path, "a well-formed string");
        text += rest_.substr(0, chunk.argument);
        rest_.remove_prefix(chunk.argument);
      }
    }
    if (h.major == kText && !is_text(text)) return bad(path, "UTF-8 text");
    return text;
  }

  Result<std::string> key(const std::string& path) {
    BRUME_TRY(h, next(path));
    if (h.major != kText) return bad(path, "text keys");
    return string(h, path);
  }

  Result<void> integer(Kind kind, void* out, const Head& h, const std::string& path) {
    const std::uint64_t limit = kind == Kind::integer ? std::uint64_t(std::numeric_limits<std::int32_t>::max())
                                                      : std::uint64_t(std::numeric_limits<std::int64_t>::max());
    if (h.major != kUnsigned && h.major != kNegative) return bad(path, "an integer");
    if (h.argument > limit) return bad(path, "an integer in range");
    const std::int64_t number = h.major == kUnsigned ? std::int64_t(h.argument) : -1 - std::int64_t(h.argument);
    if (kind == Kind::integer)
      *static_cast<std::int32_t*>(out) = std::int32_t(number);
    else
      *static_cast<std::int64_t*>(out) = number;
    return {};
  }

  Result<double> real(const Head& h, const std::string& path) {
    if (h.major == kUnsigned) return double(h.argument);
    if (h.major == kNegative) return -1.0 - double(h.argument);
    if (h.major == kSimple && h.info == 25) return half(unsigned(h.argument));
    if (h.major == kSimple && h.info == 26) return double(std::bit_cast<float>(std::uint32_t(h.argument)));
    if (h.major == kSimple && h.info == 27) return std::bit_cast<double>(h.argument);
    return bad(path, "a number");
  }

  std::string_view rest_;
};

}  // namespace

std::string write_cbor(const Shape& shape, const void* value) {
  std::string out;
  write_value(out, shape, value);
  return out;
}

Result<void> read_cbor(const Shape& shape, void* value, std::string_view bytes) {
  return Reader(bytes).document(shape, value);
}

std::string write_cbor_error(std::string_view type, std::string_view message) {
  std::string out;
  head(out, kMap, 2);
  write_text(out, "__type");
  write_text(out, type);
  write_text(out, "message");
  write_text(out, message);
  return out;
}

std::pair<std::string, std::string> read_cbor_error(std::string_view bytes) {
  return Reader(bytes).error();
}

}  // namespace brume::aws
