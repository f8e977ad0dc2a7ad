#include "compute/agent/statsd_line.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "compute/agent/metric_datum.h"

namespace brume::agent {
namespace {

constexpr std::size_t kMaxName = 255, kMaxValue = 1024;  // CloudWatch API reference, MetricDatum and Dimension
constexpr double kLeastRate = 1e-9;

// Calls `part` with what is between separators, empty parts too; until it gives false.
template <typename Part>
bool each_part(std::string_view text, char separator, const Part& part) {
  for (;;) {
    const std::size_t end = text.find(separator);
    if (!part(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

// Printable ASCII with something in it, no colon in front.
bool is_text(std::string_view text, std::size_t most) {
  return text.size() <= most && text.find_first_not_of(' ') != std::string_view::npos && text[0] != ':' &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

std::optional<double> read_number(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || !(std::abs(out) <= kLargestValue))
    return std::nullopt;
  return out;
}

// False: CloudWatch would not take it. One without a name or a value is passed over.
bool add_tag(std::string_view name, std::string_view value, Dimensions& tags) {
  if (name.empty() || value.empty()) return true;
  if (!is_text(name, kMaxName) || !is_text(value, kMaxValue)) return false;
  tags[std::string(name)] = std::string(value);
  return true;
}

std::optional<StatsdType> type_of(std::string_view letters) {
  static constexpr std::pair<std::string_view, StatsdType> kTypes[] = {{"c", StatsdType::counter},
                                                                       {"g", StatsdType::gauge},
                                                                       {"ms", StatsdType::timing},
                                                                       {"h", StatsdType::histogram},
                                                                       {"s", StatsdType::set}};
  for (const auto& [known, type] : kTypes)
    if (letters == known) return type;
  return std::nullopt;
}

// "value|type|@rate"
std::optional<StatsdValue> read_value(std::string_view text) {
  std::string_view parts[3];
  std::size_t count = 0;
  each_part(text, '|', [&](std::string_view part) {
    parts[count++] = part;
    return count < 3;
  });
  const auto type = type_of(parts[1]);
  if (count < 2 || !type) return std::nullopt;
  StatsdValue out;
  out.type = *type;
  const bool is_signed = parts[0].starts_with('-') || parts[0].starts_with('+');
  if (is_signed && *type != StatsdType::gauge && *type != StatsdType::counter) return std::nullopt;
  if (*type == StatsdType::set) {
    out.member = parts[0];
    return out;
  }
  const auto number = read_number(parts[0]);
  if (!number) return std::nullopt;
  out.number = *number;
  out.relative = is_signed && *type == StatsdType::gauge;
  const auto rate = parts[2].starts_with('@') ? read_number(parts[2].substr(1)) : std::nullopt;
  const double weight = rate && *rate >= kLeastRate && *rate <= 1 ? 1 / *rate : 1;
  if (*type == StatsdType::counter)
    out.number = std::trunc(std::trunc(out.number) * weight);
  else if (*type != StatsdType::gauge)
    out.weight = weight;
  if (std::abs(out.number) > kLargestValue) return std::nullopt;
  return out;
}

}  // namespace

std::optional<StatsdLine> parse_statsd(std::string_view line, std::string_view separator) {
  StatsdLine out;
  // Tags may have colons in them, so they are taken out first.
  Dimensions tags;
  std::string bare;
  const bool well = each_part(line, '|', [&](std::string_view part) {
    if (!part.starts_with('#')) {
      bare += bare.empty() ? "" : "|";
      bare += part;
      return true;
    }
    return each_part(part.substr(1), ',', [&](std::string_view tag) {
      const std::size_t tag_colon = tag.find(':');
      return tag_colon == std::string_view::npos ? add_tag(tag, "<empty>", tags)
                                                 : add_tag(tag.substr(0, tag_colon), tag.substr(tag_colon + 1), tags);
    });
  });
  const std::size_t colon = bare.find(':');
  if (!well || colon == std::string::npos) return std::nullopt;
  const std::string_view names = std::string_view(bare).substr(0, colon),
                         values = std::string_view(bare).substr(colon + 1);
  bool first = true;
  const bool named = each_part(names, ',', [&](std::string_view part) {
    if (!std::exchange(first, false)) {
      const std::size_t equals = part.find('=');
      return equals == std::string_view::npos || add_tag(part.substr(0, equals), part.substr(equals + 1), out.tags);
    }
    for (const char c : part) {
      if (c == '.')
        out.name += separator;
      else
        out.name += c;
    }
    return is_text(out.name, kMaxName);
  });
  for (auto& [name, value] : tags) out.tags[name] = value;
  const bool valued = named && each_part(values, ':', [&](std::string_view part) {
                        const auto value = read_value(part);
                        if (value) out.values.push_back(*value);
                        return value.has_value();
                      });
  return valued ? std::optional(std::move(out)) : std::nullopt;
}

std::string_view metric_type(StatsdType type) {
  switch (type) {
    case StatsdType::counter:
      return "counter";
    case StatsdType::gauge:
      return "gauge";
    case StatsdType::timing:
      return "timing";
    case StatsdType::histogram:
      return "histogram";
    default:
      return "set";
  }
}

}  // namespace brume::agent
