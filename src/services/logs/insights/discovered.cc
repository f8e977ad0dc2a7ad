#include "services/logs/insights/discovered.h"

#include <array>
#include <optional>

namespace brume::logs::insights {
namespace {

// Of each word its name in the guide; two are also known by the names of the flow log's own format.
constexpr std::string_view kFlowLog[] = {"version",   "accountId", "interfaceId", "srcAddr",  "dstAddr",
                                         "srcPort",   "dstPort",   "protocol",    "packets",  "bytes",
                                         "startTime", "endTime",   "action",      "logStatus"};
constexpr std::size_t kFlowWords = std::size(kFlowLog);

int flow_word(std::string_view name) {
  if (name == "start") name = "startTime";
  if (name == "end") name = "endTime";
  for (std::size_t i = 0; i < kFlowWords; ++i)
    if (kFlowLog[i] == name) return int(i);
  return -1;
}

// What stands between `label` and the next tab, space or end; nothing if the label is not there.
std::optional<std::string_view> after(std::string_view message, std::string_view label) {
  const std::size_t at = message.find(label);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = message.substr(at + label.size());
  return rest.substr(0, rest.find_first_of("\t \r\n"));
}

struct Report {
  std::string_view field, label;
  double scale;  // to bytes; 0: not a size
};
constexpr Report kReport[] = {{"@duration", "\tDuration: ", 0},
                              {"@billedDuration", "\tBilled Duration: ", 0},
                              {"@initDuration", "\tInit Duration: ", 0},
                              {"@memorySize", "\tMemory Size: ", 1e6},
                              {"@maxMemoryUsed", "\tMax Memory Used: ", 1e6},
                              {"@xrayTraceId", "XRAY TraceId: ", 0},
                              {"@xraySegmentId", "SegmentId: ", 0}};

}  // namespace

DiscoveredFields::DiscoveredFields(const Stage& stage) {
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < stage.slots.size(); ++i) {
    const Slot& slot = stage.slots[i];
    if (slot.kind == Slot::Kind::discovered) {
      const int word = flow_word(slot.name);
      members_.push_back({slot.name, i, word});
      paths.push_back(slot.name);
      flow_ = flow_ || word >= 0;
    } else if (slot.kind == Slot::Kind::lambda) {
      lambda_.push_back({slot.name, i, -1});
    }
  }
  if (paths.empty()) return;
  found_.resize(paths.size());
  json_ = std::make_unique<JsonFields>(std::move(paths), false);
}

void DiscoveredFields::find(std::string_view message, std::span<Value> slots, Scratch& scratch) {
  for (const std::vector<Wanted>* wanted : {&members_, &lambda_})
    for (const Wanted& one : *wanted) slots[one.slot] = {};
  const std::size_t begin = message.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return;
  if (message[begin] == '{') {
    if (!json_) return;
    json_->find(message, found_, scratch);
    for (std::size_t i = 0; i < members_.size(); ++i) slots[members_[i].slot] = found_[i];
  } else if (flow_ && message[begin] >= '0' && message[begin] <= '9') {
    flow_log(message.substr(begin), slots);
  } else if (!lambda_.empty()) {
    lambda_report(message, slots);
  }
}

void DiscoveredFields::flow_log(std::string_view message, std::span<Value> slots) const {
  std::array<std::string_view, kFlowWords> words;
  message = message.substr(0, message.find_last_not_of(" \t\r\n") + 1);
  for (std::size_t i = 0; i < kFlowWords; ++i) {
    const std::size_t space = message.find(' ');
    if ((space == std::string_view::npos) != (i + 1 == kFlowWords)) return;
    words[i] = message.substr(0, space);
    message.remove_prefix(space == std::string_view::npos ? message.size() : space + 1);
  }
  if (!words[2].starts_with("eni-")) return;
  for (const Wanted& one : members_)
    if (one.word >= 0) slots[one.slot] = Value::of(words[std::size_t(one.word)]);
}

void DiscoveredFields::lambda_report(std::string_view message, std::span<Value> slots) const {
  std::string_view type;
  for (const std::string_view known : {"START", "END", "REPORT"})
    if (message.starts_with(known) && message.substr(known.size()).starts_with(" RequestId: ")) type = known;
  if (type.empty()) return;
  for (const Wanted& one : lambda_) {
    if (one.name == "@type") slots[one.slot] = Value::of(type);
    if (one.name == "@requestId") slots[one.slot] = Value::of(*after(message, " RequestId: "));
    for (const Report& report : kReport) {
      if (report.field != one.name || type != "REPORT") continue;
      const std::optional<std::string_view> text = after(message, report.label);
      if (!text) continue;
      const Value value = Value::of(*text);
      const std::optional<double> number = to_number(value);
      slots[one.slot] = report.scale > 0 && number ? Value::of(*number * report.scale) : value;
    }
  }
}

}  // namespace brume::logs::insights
