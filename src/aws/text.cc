#include "aws/text.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "aws/http.h"
#include "base/base64.h"

namespace brume::aws {
namespace {

template <typename T>
Result<void> parse_integer(void* out, std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return fail("SerializationException", "an integer");
  *static_cast<T*>(out) = value;
  return {};
}

Result<double> parse_real(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // from_chars knows other spellings of infinity; AWS does not.
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    return fail("SerializationException", "a number");
  return value;
}

std::string real_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return fmt::format("{}", value);
}

}  // namespace

std::string to_text(const Shape& shape, const Member* member, const void* value, TimeFormat fallback) {
  switch (shape.kind) {
    case Kind::boolean:
      return *static_cast<const bool*>(value) ? "true" : "false";
    case Kind::integer:
      return fmt::format("{}", *static_cast<const std::int32_t*>(value));
    case Kind::long_integer:
      return fmt::format("{}", *static_cast<const std::int64_t*>(value));
    case Kind::real:
      return real_text(*static_cast<const double*>(value));
    case Kind::string:
      return *static_cast<const std::string*>(value);
    case Kind::blob:
      return base64_encode(static_cast<const Blob*>(value)->bytes);
    case Kind::timestamp: {
      const Timestamp time = *static_cast<const Timestamp*>(value);
      TimeFormat format = member ? member->time_format : TimeFormat::unset;
      if (format == TimeFormat::unset) format = shape.time_format;
      if (format == TimeFormat::unset) format = fallback;
      if (format == TimeFormat::epoch_seconds) return real_text(to_epoch_seconds(time));
      if (format == TimeFormat::http_date) return to_http_date(time);
      return to_iso8601(time);
    }
    default:
      return {};
  }
}

Result<Timestamp> parse_any_time(std::string_view text) {
  if (auto time = parse_iso8601(text)) return time;
  if (auto time = parse_http_date(text)) return time;
  if (const auto seconds = parse_real(text); seconds && std::isfinite(*seconds)) return from_epoch_seconds(*seconds);
  return fail("SerializationException", "a timestamp");
}

Result<void> from_text(const Shape& shape, void* out, std::string_view text) {
  switch (shape.kind) {
    case Kind::boolean:
      if (!equal_ignoring_case(text, "true") && !equal_ignoring_case(text, "false"))
        return fail("SerializationException", "true or false");
      *static_cast<bool*>(out) = text.size() == 4;
      return {};
    case Kind::integer:
      return parse_integer<std::int32_t>(out, text);
    case Kind::long_integer:
      return parse_integer<std::int64_t>(out, text);
    case Kind::real: {
      BRUME_TRY(value, parse_real(text));
      *static_cast<double*>(out) = value;
      return {};
    }
    case Kind::string:
      if (!is_text(text)) return fail("SerializationException", "UTF-8 text");
      static_cast<std::string*>(out)->assign(text);
      return {};
    case Kind::blob: {
      auto bytes = base64_decode(text);
      if (!bytes) return fail("SerializationException", "base64");
      static_cast<Blob*>(out)->bytes = *std::move(bytes);
      return {};
    }
    case Kind::timestamp: {
      BRUME_TRY(time, parse_any_time(text));
      *static_cast<Timestamp*>(out) = time;
      return {};
    }
    default:
      return fail("SerializationException", "a single value");
  }
}

}  // namespace brume::aws
