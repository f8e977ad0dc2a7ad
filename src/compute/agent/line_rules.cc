#include "compute/agent/line_rules.h"

namespace brume::agent {
namespace {

constexpr std::int64_t kMaxExpressionMemory = 1 << 20;

Result<std::unique_ptr<RE2>> compile_expression(std::string_view member, const std::string& text) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxExpressionMemory);
  auto out = std::make_unique<RE2>(text, options);
  if (!out->ok()) return fail("InvalidConfiguration", "{}: {}", member, out->error());
  return out;
}

re2::StringPiece piece(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

Result<LineRules> LineRules::compile(const FileEntry& entry, std::vector<std::string>& refused) {
  LineRules out;
  const auto encoding = TextEncoding::find(entry.encoding);
  if (!encoding) return fail("InvalidConfiguration", "encoding {} is not known here", entry.encoding);
  out.encoding_ = *encoding;
  if (!entry.timestamp_format.empty()) {
    if (auto format = TimestampFormat::compile(entry.timestamp_format, entry.utc))
      out.timestamp_ = *std::move(format);
    else
      refused.push_back(
          fmt::format("{}: {}; events get the time of their reading", entry.file_path, format.error().message));
  }
  out.trim_timestamp_ = entry.trim_timestamp;
  if (entry.multi_line_start_pattern == "{timestamp_format}") {
    if (!out.timestamp_)
      return fail("InvalidConfiguration", "multi_line_start_pattern is {{timestamp_format}}, and there is none");
    out.begins_with_time_ = true;
  } else if (!entry.multi_line_start_pattern.empty()) {
    BRUME_TRY(start, compile_expression("multi_line_start_pattern", entry.multi_line_start_pattern));
    out.start_ = std::move(start);
  }
  if (!entry.blacklist.empty()) {
    BRUME_TRY(blacklist, compile_expression("blacklist", entry.blacklist));
    out.blacklist_ = std::move(blacklist);
  }
  for (const LogFilter& filter : entry.filters) {
    BRUME_TRY(expression, compile_expression("filters", filter.expression));
    out.filters_.push_back({filter.include, std::move(expression)});
  }
  return out;
}

bool LineRules::begins(std::string_view line, Timestamp now) const {
  if (start_) return RE2::PartialMatch(piece(line), *start_);
  if (begins_with_time_) return timestamp_->find(line, now).has_value();
  // RE2's and Go's \S.
  return !line.empty() && line[0] != ' ' && line[0] != '\t' && line[0] != '\f' && line[0] != '\r' && line[0] != '\v';
}

std::optional<FoundTime> LineRules::time(std::string_view event, Timestamp now) const {
  return timestamp_ ? timestamp_->find(event, now) : std::nullopt;
}

bool LineRules::is_wanted(std::string_view event) const {
  for (const Filter& filter : filters_)
    if (RE2::PartialMatch(piece(event), *filter.expression) != filter.include) return false;
  return true;
}

bool LineRules::is_listed(std::string_view path) const {
  return blacklist_ && RE2::PartialMatch(piece(path.substr(path.rfind('/') + 1)), *blacklist_);
}

}  // namespace brume::agent
