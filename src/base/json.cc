#include "base/json.h"

#include <cmath>
#include <limits>

#include <boost/json.hpp>

#include "base/base64.h"

namespace brume {
namespace {

namespace bj = boost::json;

constexpr std::size_t kMaxDepth = 32;

TimeFormat format_of(const Shape& shape, const Member* member, const JsonStyle& style) {
  if (member && member->time_format != TimeFormat::unset) return member->time_format;
  if (shape.time_format != TimeFormat::unset) return shape.time_format;
  return style.default_time;
}

void append_number(std::string& out, double value) {
  // JSON has no word for these; AWS's services use strings.
  if (std::isnan(value))
    out += "\"NaN\"";
  else if (std::isinf(value))
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  else if (value == std::floor(value) && std::abs(value) < 1e15)
    fmt::format_to(std::back_inserter(out), "{:.0f}", value);
  else
    fmt::format_to(std::back_inserter(out), "{}", value);
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20)
          fmt::format_to(std::back_inserter(out), "\\u{:04x}", int(c));
        else
          out += c;
    }
  }
  out += '"';
}

void write(std::string& out, const Shape& shape, const Member* member, const void* value, const JsonStyle& style) {
  switch (shape.kind) {
    case Kind::boolean:
      out += *static_cast<const bool*>(value) ? "true" : "false";
      return;
    case Kind::integer:
      fmt::format_to(std::back_inserter(out), "{}", *static_cast<const std::int32_t*>(value));
      return;
    case Kind::long_integer:
      fmt::format_to(std::back_inserter(out), "{}", *static_cast<const std::int64_t*>(value));
      return;
    case Kind::real:
      append_number(out, *static_cast<const double*>(value));
      return;
    case Kind::string:
      append_string(out, *static_cast<const std::string*>(value));
      return;
    case Kind::blob:
      append_string(out, base64_encode(static_cast<const Blob*>(value)->bytes));
      return;
    case Kind::timestamp: {
      const Timestamp time = *static_cast<const Timestamp*>(value);
      switch (format_of(shape, member, style)) {
        case TimeFormat::epoch_seconds:
          append_number(out, to_epoch_seconds(time));
          return;
        case TimeFormat::http_date:
          append_string(out, to_http_date(time));
          return;
        default:
          append_string(out, to_iso8601(time));
          return;
      }
    }
    case Kind::list: {
      out += '[';
      for (std::size_t i = 0, n = shape.list->size(value); i < n; ++i) {
        if (i) out += ',';
        write(out, *shape.element(), nullptr, shape.list->at(value, i), style);
      }
      out += ']';
      return;
    }
    case Kind::map: {
      out += '{';
      bool first = true;
      shape.map->each(value, [&](const std::string& key, const void* element) {
        if (!first) out += ',';
        first = false;
        append_string(out, key);
        out += ':';
        write(out, *shape.element(), nullptr, element, style);
      });
      out += '}';
      return;
    }
    case Kind::structure: {
      out += '{';
      bool first = true;
      for (const Member& m : shape.members) {
        if (m.location != Location::body && style.wire_names) continue;
        const void* held = m.get(value);
        if (!held) continue;
        if (!first) out += ',';
        first = false;
        append_string(out, style.wire_names ? m.wire() : m.name);
        out += ':';
        write(out, *m.shape(), &m, held, style);
      }
      out += '}';
      return;
    }
  }
}

std::unexpected<Error> mismatch(std::string_view path, std::string_view expected) {
  return fail("SerializationException", "{}: expected {}", path.empty() ? "The document" : path, expected);
}

Result<double> to_double(const bj::value& v, std::string_view path) {
  if (v.is_double()) return v.get_double();
  if (v.is_int64()) return double(v.get_int64());
  if (v.is_uint64()) return double(v.get_uint64());
  if (v.is_string()) {
    if (v.get_string() == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (v.get_string() == "Infinity") return std::numeric_limits<double>::infinity();
    if (v.get_string() == "-Infinity") return -std::numeric_limits<double>::infinity();
  }
  return mismatch(path, "a number");
}

Result<std::int64_t> to_integer(const bj::value& v, std::int64_t low, std::int64_t high, std::string_view path) {
  std::int64_t number = 0;
  if (v.is_int64())
    number = v.get_int64();
  else if (v.is_double() && v.get_double() == std::floor(v.get_double()) && std::abs(v.get_double()) < 9e15)
    number = std::int64_t(v.get_double());
  else
    return mismatch(path, "an integer");
  if (number < low || number > high) return mismatch(path, "an integer in range");
  return number;
}

Result<void> read(const Shape& shape, const Member* member, void* out, const bj::value& v, const JsonStyle& style,
                  const std::string& path) {
  switch (shape.kind) {
    case Kind::boolean:
      if (!v.is_bool()) return mismatch(path, "true or false");
      *static_cast<bool*>(out) = v.get_bool();
      return {};
    case Kind::integer: {
      BRUME_TRY(number, to_integer(v, std::numeric_limits<std::int32_t>::min(),
                                   std::numeric_limits<std::int32_t>::max(), path));
      *static_cast<std::int32_t*>(out) = std::int32_t(number);
      return {};
    }
    case Kind::long_integer: {
      BRUME_TRY(number, to_integer(v, std::numeric_limits<std::int64_t>::min(),
                                   std::numeric_limits<std::int64_t>::max(), path));
      *static_cast<std::int64_t*>(out) = number;
      return {};
    }
    case Kind::real: {
      BRUME_TRY(number, to_double(v, path));
      *static_cast<double*>(out) = number;
      return {};
    }
    case Kind::string:
      if (!v.is_string()) return mismatch(path, "a string");
      *static_cast<std::string*>(out) = std::string(v.get_string());
      return {};
    case Kind::blob: {
      if (!v.is_string()) return mismatch(path, "a base64 string");
      auto bytes = base64_decode(std::string_view(v.get_string()));
      if (!bytes) return mismatch(path, "a base64 string");
      static_cast<Blob*>(out)->bytes = *std::move(bytes);
      return {};
    }
    case Kind::timestamp: {
      if (v.is_number()) {
        BRUME_TRY(seconds, to_double(v, path));
        *static_cast<Timestamp*>(out) = from_epoch_seconds(seconds);
        return {};
      }
      if (!v.is_string()) return mismatch(path, "a timestamp");
      const std::string_view text(v.get_string());
      auto time =
          format_of(shape, member, style) == TimeFormat::http_date ? parse_http_date(text) : parse_iso8601(text);
      if (!time) return mismatch(path, "a timestamp");
      *static_cast<Timestamp*>(out) = *time;
      return {};
    }
    case Kind::list: {
      if (!v.is_array()) return mismatch(path, "a list");
      for (std::size_t i = 0; const bj::value& element : v.get_array()) {
        const std::string place = fmt::format("{}[{}]", path, i++);
        if (element.is_null()) continue;
        BRUME_CHECK(read(*shape.element(), nullptr, shape.list->append(out), element, style, place));
      }
      return {};
    }
    case Kind::map: {
      if (!v.is_object()) return mismatch(path, "an object");
      for (const auto& entry : v.get_object()) {
        if (entry.value().is_null()) continue;
        const std::string key(entry.key());
        BRUME_CHECK(
            read(*shape.element(), nullptr, shape.map->insert(out, key), entry.value(), style, path + "." + key));
      }
      return {};
    }
    case Kind::structure: {
      if (!v.is_object()) return mismatch(path, "an object");
      const bj::object& object = v.get_object();
      for (const Member& m : shape.members) {
        if (m.location != Location::body && style.wire_names) continue;
        const bj::value* found = object.if_contains(style.wire_names ? m.wire() : m.name);
        if (!found || found->is_null()) continue;
        BRUME_CHECK(read(*m.shape(), &m, m.emplace(out), *found, style, path.empty() ? m.name : path + "." + m.name));
      }
      return {};
    }
  }
  return {};
}

bj::value parse(std::string_view text, bj::error_code& error) {
  bj::parse_options options;
  options.max_depth = kMaxDepth;
  return bj::parse({text.data(), text.size()}, error, bj::make_shared_resource<bj::monotonic_resource>(), options);
}

}  // namespace

std::string write_json(const Shape& shape, const void* value, const JsonStyle& style) {
  std::string out;
  write(out, shape, nullptr, value, style);
  return out;
}

Result<void> read_json(const Shape& shape, void* value, std::string_view text, const JsonStyle& style) {
  bj::error_code error;
  const bj::value document = parse(text, error);
  if (error) return fail("SerializationException", "The document is not valid JSON: {}", error.message());
  return read(shape, nullptr, value, document, style, "");
}

bool is_json_object(std::string_view text) {
  bj::error_code error;
  const bj::value document = parse(text, error);
  return !error && document.is_object();
}

std::string json_quote(std::string_view text) {
  std::string out;
  append_string(out, text);
  return out;
}

}  // namespace brume
