#include "services/elbv2/access_log_shipper.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/log.h"

namespace brume::elbv2 {
namespace {

constexpr std::size_t kFilesARound = 64;  // of a load balancer
// So many looks after the last load balancer logs no more, what its process still had has been written.
constexpr int kLooksAfter = 10;
// An open file that its process left, of a load balancer that logs no more, is nobody's after this time.
constexpr auto kAbandoned = std::chrono::minutes(1);

std::string name_of(std::string folder) {
  std::ranges::replace(folder, '.', '/');
  return folder;
}

// The files' numbers are microseconds since the epoch, about.
Timestamp time_of(std::string_view file) {
  std::int64_t number = 0;
  std::from_chars(file.data(), file.data() + file.size(), number);
  return Timestamp(std::chrono::milliseconds(number / 1000));
}

}  // namespace

std::string access_log_name(std::string_view arn) {
  return std::string(arn.substr(arn.find("loadbalancer/") + 13));
}

std::string folder_of(std::string_view name) {
  std::string folder(name);
  std::ranges::replace(folder, '/', '.');
  return folder;
}

std::string access_log_group(std::string_view name) {
  const std::size_t begin = name.find('/') + 1;
  return "/aws/elasticloadbalancing/" + std::string(name.substr(begin, name.rfind('/') - begin));
}

std::vector<services::LogEvent> access_log_events(std::string_view lines, Timestamp otherwise) {
  std::vector<services::LogEvent> events;
  for (auto end = lines.find('\n'); end != std::string_view::npos; end = lines.find('\n')) {
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 1);
    if (line.empty()) continue;
    const std::size_t begin = line.find(' ') + 1;
    const auto time = parse_iso8601(line.substr(begin, line.find(' ', begin) - begin));
    events.push_back({time.value_or(otherwise), std::string(line)});
  }
  return events;
}

AccessLogShipper::AccessLogShipper(services::Context context, std::string folder, services::LogSink& sink,
                                   std::function<std::set<std::string>()> logging)
    : context_(std::move(context)), folder_(std::move(folder)), sink_(sink), logging_(std::move(logging)) {}

void AccessLogShipper::start() {
  context_.hints.subscribe([this](std::string_view resource) {
    if (resource.find(":loadbalancer/") == std::string_view::npos) return;
    const bool asleep = idle_ > kLooksAfter && !busy_;
    idle_ = 0;
    if (asleep) look();
  });
  look();
}

void AccessLogShipper::look_in(env::Duration time) {
  busy_ = false;
  context_.env.loop.cancel(timer_);
  timer_ = context_.env.loop.after(time, [this] {
    timer_ = 0;
    look();
  });
}

void AccessLogShipper::look() {
  auto logging = logging_();
  idle_ = logging.empty() ? idle_ + 1 : 0;
  busy_ = true;
  context_.env.loop.cancel(std::exchange(timer_, 0));
  const auto found = std::make_shared<Found>();
  context_.env.loop.run_blocking(
      [this, found, logging = std::move(logging)] { *found = find(logging); },
      [this, found] {
        if (!found->empty()) idle_ = 0;
        std::erase_if(*found, [](const auto& one) { return one.second.empty(); });
        if (found->empty())
          return look_in(idle_ > kLooksAfter ? env::Duration(std::chrono::minutes(1)) : std::chrono::seconds(1));
        const auto result = std::make_shared<Result<void>>();
        for (const auto& [name, files] : *found)
          if (auto made = sink_.ensure_group(access_log_group(name), services::kOwnRetentionDays); !made)
            *result = std::move(made);
        if (!*result) return shipped(*result);
        context_.env.loop.run_blocking([this, found, result] { *result = ship(*found); },
                                       [this, result] { shipped(*result); });
      });
}

AccessLogShipper::Found AccessLogShipper::find(const std::set<std::string>& logging) const {
  Found found;
  env::Files& files = context_.env.files;
  const auto folders = files.list(folder_);
  if (!folders) return found;
  for (const std::string& folder : *folders) {
    const std::string path = folder_ + "/" + folder, name = name_of(folder);
    const auto names = files.list(path);
    if (!names) continue;
    const bool logs = logging.contains(name);
    if (names->empty() && !logs) {
      if (auto removed = files.remove_all(path); !removed) log_warning("{}", removed.error().message);
      continue;
    }
    std::vector<std::string>& ready = found[name];
    for (const std::string& file : *names) {
      if (ready.size() == kFilesARound) break;
      const auto abandoned = [&] {
        const auto info = files.info(path + "/" + file);
        return !logs && info && context_.env.clock.wall() - info->modified > kAbandoned;
      };
      if (file.ends_with(".log") || abandoned()) ready.push_back(file);
    }
  }
  return found;
}

Result<void> AccessLogShipper::ship(const Found& found) const {
  env::Files& files = context_.env.files;
  Result<void> result;
  for (const auto& [name, ready] : found) {
    for (const std::string& file : ready) {
      const auto shipped = [&]() -> Result<void> {
        const std::string path = folder_ + "/" + folder_of(name) + "/" + file;
        BRUME_TRY(lines, files.read(path));
        const auto events = access_log_events(lines, time_of(file));
        if (!events.empty())
          BRUME_CHECK(sink_.append(access_log_group(name), name, events, "access:" + file.substr(0, file.find('.'))));
        return files.remove_all(path);
      }();
      if (shipped) continue;
      result = shipped;
      break;  // later ones after it; others' all the same
    }
  }
  return result;
}

void AccessLogShipper::shipped(const Result<void>& result) {
  if (result) {
    failures_ = 0;
    return look_in(std::chrono::seconds(1));
  }
  if (++failures_ == 4) log_warning("access logs do not reach their log groups: {}", result.error().message);
  look_in(std::chrono::seconds(std::min(30, 1 << std::min(failures_ - 1, 5))));
}

}  // namespace brume::elbv2
