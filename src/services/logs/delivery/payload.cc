#include "services/logs/delivery/payload.h"

#include "aws/call.h"
#include "aws/gzip.h"
#include "aws/sigv4.h"
#include "base/json.h"
#include "services/logs/places.h"

namespace brume::logs {
namespace {

constexpr std::size_t kMostKey = 256;

std::string payload_text(std::string_view type, std::string_view owner, std::string_view group, std::string_view stream,
                         std::string_view filters, std::string_view events) {
  return fmt::format(
      R"({{"messageType":"{}","owner":"{}","logGroup":{},"logStream":{},"subscriptionFilters":[{}],"logEvents":[{}]}})",
      type, owner, json_quote(group), json_quote(stream), filters, events);
}

std::string event_text(std::string_view id, std::int64_t timestamp, std::string_view message) {
  return fmt::format(R"({{"id":"{}","timestamp":{},"message":{}}})", id, timestamp, json_quote(message));
}

}  // namespace

Payload control_message(const DeliveryTarget& destination, std::int64_t now) {
  const std::string message =
      fmt::format("CWL CONTROL MESSAGE: Checking health of destination {}.", traits_of(destination.kind).test_name);
  return {
      .key = "CloudwatchLogs",
      .bytes = aws::gzip(payload_text("CONTROL_MESSAGE", "CloudwatchLogs", "", "", "", event_text("", now, message))),
      .events = 1};
}

void Packer::add(const logstore::Event& event) {
  const std::string id = event_id(event.position());
  const std::string text = event_text(id, event.timestamp, event.message);
  const auto found = open_.try_emplace(std::string(event.stream)).first;
  Open& open = found->second;
  if (open.events > 0 && open.text.size() + text.size() > traits_.text_bytes) close(found->first, open);
  if (open.events++ > 0) open.text += ',';
  if (open.first_id.empty()) open.first_id = id;
  open.text += text;
  size_ += text.size();
}

void Packer::close(const std::string& stream, Open& open) {
  Payload payload{
      .key = open.first_id,
      .bytes = aws::gzip(payload_text("DATA_MESSAGE", aws::kAccount, group_, stream, json_quote(filter_), open.text)),
      .events = open.events};
  if (by_stream_) payload.key = stream.size() > kMostKey ? aws::sha256_hex(stream) : stream;
  if (payload.bytes.size() <= traits_.payload_bytes)
    closed_.push_back(std::move(payload));
  else
    too_large_ += open.events;
  open = {};
}

std::vector<Payload> Packer::finish() {
  for (auto& [stream, open] : open_) close(stream, open);
  open_.clear();
  return std::move(closed_);
}

}  // namespace brume::logs
