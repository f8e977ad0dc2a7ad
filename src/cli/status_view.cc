#include "cli/status_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace brume::cli {
namespace {

constexpr std::string_view kRed = "\033[31m", kYellow = "\033[33m", kBold = "\033[1m", kPlain = "\033[0m";

bool is_bad(std::string_view state) {
  return state == "ALARM" || state == "Unhealthy" || state == "unhealthy" || state == "Failed" ||
         state == "active_impaired" || state == "RollbackFailed";
}

bool is_passing(std::string_view state) {
  return state != "InService" && state != "Healthy" && state != "healthy" && state != "running" && state != "OK" &&
         state != "active" && state != "Successful" && !state.empty();
}

// Lines that are cut at the width; a colour takes none of it.
class Page {
 public:
  Page(std::size_t width, bool colours) : width_(std::max<std::size_t>(width, 40)), colours_(colours) {}

  Page& add(std::string_view text, std::string_view colour = {}) {
    const std::size_t room = width_ - std::min(width_, used_);
    const std::string_view shown = text.substr(0, room);
    if (colours_ && !colour.empty() && !shown.empty())
      out_ += fmt::format("{}{}{}", colour, shown, kPlain);
    else
      out_ += shown;
    used_ += shown.size();
    return *this;
  }
  // A state in a column, in the colour that it deserves.
  Page& state(std::string_view text, std::size_t column) {
    return add(fmt::format("{:<{}}", text, column), is_bad(text) ? kRed : is_passing(text) ? kYellow : "");
  }
  void end() {
    while (out_.ends_with(' ')) out_.pop_back();
    out_ += '\n';
    used_ = 0;
  }
  void heading(std::string_view text) {
    out_ += '\n';
    add(text, kBold).end();
  }
  std::string take() { return std::move(out_); }

 private:
  std::size_t width_, used_ = 0;
  bool colours_;
  std::string out_;
};

std::string number(std::optional<double> value, std::string_view unit) {
  if (!value) return fmt::format("- {}", unit);
  return fmt::format("{:.{}f} {}", *value, *value < 10 ? 1 : 0, unit);
}

std::string clock_of(Timestamp time) {
  return to_iso8601(time).substr(11, 8);
}

// How wide a column of these is.
template <typename Line>
std::size_t widest(const std::vector<Line>& lines, std::string Line::* member) {
  std::size_t width = 0;
  for (const Line& line : lines) width = std::max(width, (line.*member).size());
  return width;
}

void instance(Page& page, const InstanceLine& line, std::size_t state_width) {
  page.add(fmt::format("  {:<19}  {:<16}", line.id, line.zone));
  page.state(line.state, state_width + 2);
  if (!line.health.empty()) page.state(line.health, 11);
  page.add(fmt::format("{:<11} {:<15} ", line.type, line.address));
  page.add(fmt::format("cpu {:<6}", line.cpu ? fmt::format("{:.0f} %", *line.cpu) : "-"));
  if (!line.version.empty()) page.add(fmt::format(" v{:<4}", line.version));
  for (const std::string& target : line.targets) page.add(" ").state(target, 0);
  page.end();
}

void group(Page& page, const GroupLine& line) {
  std::int32_t in_service = 0;
  for (const InstanceLine& one : line.instances)
    if (one.state == "InService") in_service += one.units;
  page.heading(fmt::format("{}  {} of {} in service  (min {}, max {})", line.name, in_service, line.desired, line.min,
                           line.max));
  if (line.refresh) {
    page.add("  refresh ").state(line.refresh->status, 0);
    page.add(fmt::format("  {} %  {}", line.refresh->percent, line.refresh->reason)).end();
  }
  if (!line.suspended.empty()) page.add(fmt::format("  suspended: {}", fmt::join(line.suspended, ", ")), kYellow).end();
  const std::size_t width = widest(line.instances, &InstanceLine::state);
  for (const InstanceLine& one : line.instances) instance(page, one, width);
}

void balancers(Page& page, const std::vector<BalancerLine>& lines) {
  page.heading("Load balancers");
  const std::size_t width = widest(lines, &BalancerLine::name);
  for (const BalancerLine& line : lines) {
    page.add(fmt::format("  {:<{}}  ", line.name, width)).state(line.state, 0);
    for (const std::int32_t port : line.ports)
      page.add(port == 80 ? fmt::format("  http://{}/", line.address)
                          : fmt::format("  http://{}:{}/", line.address, port));
    page.add(fmt::format("  targets {} of {} healthy", line.healthy, line.targets),
             line.healthy < line.targets ? kYellow : "");
    page.add(fmt::format("  {}  average {}  p99 {}", number(line.requests_a_second, "requests/s"),
                         number(line.average_ms, "ms"), number(line.p99_ms, "ms")));
    if (line.errors_a_second.value_or(0) > 0)
      page.add(fmt::format("  {}", number(line.errors_a_second, "errors/s")), kRed);
    page.end();
  }
}

}  // namespace

std::string to_text(const StatusView& view, std::size_t width, bool colours) {
  Page page(width, colours);
  page.add(fmt::format("{}  {} UTC", view.region, clock_of(view.time)), kBold).end();
  if (!view.load_balancers.empty()) balancers(page, view.load_balancers);
  for (const GroupLine& line : view.groups) group(page, line);
  if (!view.others.empty()) {
    page.heading("Instances of no group");
    const std::size_t column = widest(view.others, &InstanceLine::state);
    for (const InstanceLine& line : view.others) instance(page, line, column);
  }
  if (!view.alarms.empty()) {
    page.heading("Alarms");
    for (const AlarmLine& line : view.alarms) {
      page.add("  ").state(line.state, 19);
      page.add(fmt::format("{}  {}", line.name, line.since ? "since " + clock_of(*line.since) : "")).end();
      if (line.state == "ALARM") page.add("    " + line.reason).end();
    }
  }
  if (!view.activities.empty()) {
    page.heading("Activities");
    for (const ActivityLine& line : view.activities) {
      page.add(fmt::format("  {}  ", clock_of(line.start))).state(line.status, 12);
      page.add(fmt::format(" {}: {}", line.group, line.description)).end();
    }
  }
  if (view.load_balancers.empty() && view.groups.empty() && view.others.empty())
    page.add("Nothing runs here. `brume up examples/web` starts something.").end();
  return page.take();
}

}  // namespace brume::cli
