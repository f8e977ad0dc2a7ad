#include "cli/logs_text.h"

#include <algorithm>
#include <charconv>
#include <functional>

namespace brume::cli {
namespace {

// 256-colour codes that can be read on light and on dark.
constexpr int kColours[] = {32, 33, 34, 35, 36, 91, 92, 93, 94, 95, 96};

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c == '\t' || static_cast<unsigned char>(c) >= 0x20)
      out.push_back(c == '\x7F' ? '?' : c);
    else
      out += c == '\n' ? "\n  " : "?";
  return out;
}

// Of UTF-8, in code points.
std::size_t width_of(std::string_view text) {
  return std::size_t(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string one_line(std::string_view text) {
  std::string out(text);
  std::ranges::replace(out, '\n', ' ');
  std::ranges::replace(out, '\t', ' ');
  return printable(out);
}

std::string cut(std::string text, std::size_t width) {
  if (width == 0 || width_of(text) <= width) return text;
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end)
    if ((text[end] & 0xC0) != 0x80 && ++seen == width) break;
  text.resize(end);
  return text + "…";
}

}  // namespace

Result<Timestamp> parse_since(std::string_view text, Timestamp now) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc() && end + 1 == text.data() + text.size() && count >= 0 && count < 100'000) {
    switch (*end) {
      case 's':
        return now - std::chrono::seconds(count);
      case 'm':
        return now - std::chrono::minutes(count);
      case 'h':
        return now - std::chrono::hours(count);
      case 'd':
        return now - std::chrono::days(count);
      default:
        break;
    }
  }
  if (const auto time = parse_iso8601(text)) return *time;
  return fail("ValidationError", "'{}' is no time: say 90s, 10m, 2h or 3d, or a time such as 2030-01-31T12:00:00Z",
              text);
}

std::string line_of(const ShownEvent& shown, bool coloured) {
  const logs::FilteredLogEvent& event = shown.event;
  const std::string time = to_iso8601(Timestamp(std::chrono::milliseconds(*event.timestamp)), true);
  const std::string stream = *event.logStreamName;
  const std::string from = shown.group.empty() ? stream : shown.group + " " + stream;
  std::string_view message = *event.message;
  while (message.ends_with('\n') || message.ends_with('\r')) message.remove_suffix(1);
  if (!coloured) return fmt::format("{} {} {}\n", time, from, message);
  const int colour = kColours[std::hash<std::string>{}(stream) % std::size(kColours)];
  return fmt::format("\x1b[2m{}\x1b[0m \x1b[{}m{}\x1b[0m {}\n", time, colour, printable(from), printable(message));
}

std::string table_of(const std::vector<std::vector<logs::ResultField>>& rows, std::size_t width) {
  std::vector<std::string> names;
  for (const auto& row : rows)
    for (const logs::ResultField& field : row)
      if (field.field != "@ptr" && std::ranges::find(names, *field.field) == names.end()) names.push_back(*field.field);
  std::vector<std::vector<std::string>> cells{names};
  for (const auto& row : rows) {
    auto& line = cells.emplace_back(names.size());
    for (const logs::ResultField& field : row)
      if (const auto column = std::ranges::find(names, *field.field); column != names.end())
        line[std::size_t(column - names.begin())] = one_line(field.value.value_or(""));
  }
  std::vector<std::size_t> widths(names.size());
  for (const auto& line : cells)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], width_of(line[i]));
  std::string out;
  for (const auto& line : cells) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      text += line[i];
      if (i + 1 < line.size()) text.append(widths[i] - width_of(line[i]) + 2, ' ');
    }
    while (text.ends_with(' ')) text.pop_back();
    out += cut(std::move(text), width) + "\n";
  }
  return out;
}

}  // namespace brume::cli
