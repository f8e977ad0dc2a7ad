#include "compute/agent/placeholders.h"

#include <algorithm>
#include <array>

#include "compute/agent/config.h"

namespace brume::agent {
namespace {

// What a group's name may have (CloudWatch Logs API reference, CreateLogGroup); the rest is an underscore.
std::string group_from_path(std::string_view path) {
  std::string out(path);
  for (char& c : out) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                      c == '-' || c == '_' || c == '/' || c == '#';
    if (!fits) c = '_';
  }
  return out;
}

}  // namespace

std::string fill_in(std::string_view text, const Identity& identity, Timestamp started) {
  const std::string date = to_iso8601(started).substr(0, 10);
  const std::array<std::pair<std::string_view, std::string_view>, 7> known = {{
      {"{instance_id}", identity.instance_id},
      {"{hostname}", identity.hostname},
      {"{local_hostname}", identity.local_hostname},
      {"{ip_address}", identity.ip_address},
      {"{aws_region}", identity.region},
      {"{account_id}", identity.account_id},
      {"{date}", date},
  }};
  std::string out;
  while (!text.empty()) {
    const auto* found = std::ranges::find_if(known, [&](const auto& pair) { return text.starts_with(pair.first); });
    if (found != known.end()) {
      out += found->second;
      text.remove_prefix(found->first.size());
    } else {
      out += text.front();
      text.remove_prefix(1);
    }
  }
  return out;
}

Destination destination(const FileEntry& entry, std::string_view path, const Identity& identity, Timestamp started) {
  Destination out{fill_in(entry.log_group_name, identity, started), fill_in(entry.log_stream_name, identity, started)};
  if (out.group.empty()) {
    std::string_view from = entry.publish_multi_logs ? path : std::string_view(entry.file_path);
    const std::size_t dot = from.rfind('.'), slash = from.rfind('/');
    if (!entry.publish_multi_logs && dot != std::string_view::npos && (slash == std::string_view::npos || dot > slash))
      from = from.substr(0, dot);
    out.group = group_from_path(from);
  } else if (entry.publish_multi_logs) {
    std::string file = group_from_path(path);
    std::ranges::replace(file, '/', '_');
    out.stream += "_" + file;
  }
  return out;
}

}  // namespace brume::agent
