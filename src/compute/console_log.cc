#include "compute/console_log.h"

#include <algorithm>
#include <optional>

namespace brume::compute {

namespace {

constexpr std::size_t kMaxLine = 64U << 10;

struct Entry {
  std::string_view time, text;
  bool ends = false;  // the line ended here
};

// One line of the log, without its end.
std::optional<Entry> parse(std::string_view line) {
  std::string_view fields[3];
  for (std::string_view& field : fields) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    field = line.substr(0, space);
    line.remove_prefix(space + 1);
  }
  if ((fields[1] != "stdout" && fields[1] != "stderr") || (fields[2] != "F" && fields[2] != "P")) return std::nullopt;
  return Entry{fields[0], line, fields[2] == "F"};
}

// Bytes of the character that `text` begins with; 0 if it is not well formed.
std::size_t character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  // Overlong, surrogates, beyond U+10FFFF.
  if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F) || (first == 0xF0 && byte(1) < 0x90) ||
      (first == 0xF4 && byte(1) > 0x8F))
    return 0;
  return size;
}

std::string as_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = character(text);
    out += size > 0 ? text.substr(0, size) : std::string_view("\xEF\xBF\xBD");
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

}  // namespace

std::string console_text(std::string_view log, std::size_t limit) {
  std::string text;
  while (!log.empty()) {
    const std::string_view line = log.substr(0, log.find('\n'));
    log.remove_prefix(std::min(log.size(), line.size() + 1));
    const auto entry = parse(line);
    if (!entry) continue;
    text += entry->text;
    if (entry->ends) text += '\n';
  }
  if (text.size() > limit) text.erase(0, text.size() - limit);
  return text;
}

ConsoleLines console_lines(std::string_view log, bool to_the_end) {
  ConsoleLines result;
  std::string text;
  Timestamp time{};
  bool begun = false;
  std::size_t at = 0;
  const auto emit = [&] {
    if (text.ends_with('\r')) text.pop_back();
    if (!text.empty()) result.lines.push_back({time, as_utf8(text)});
    text.clear();
    begun = false;
    result.used = at;
  };
  for (auto end = log.find('\n'); end != std::string_view::npos; end = log.find('\n', at)) {
    const auto entry = parse(log.substr(at, end - at));
    at = end + 1;
    if (!entry) {
      if (!begun) result.used = at;
      continue;
    }
    if (!begun) time = parse_iso8601(entry->time).value_or(time);
    begun = true;
    text += entry->text;
    if (entry->ends || text.size() >= kMaxLine) emit();
  }
  if (to_the_end) emit();
  return result;
}

}  // namespace brume::compute
