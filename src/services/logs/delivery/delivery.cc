#include "services/logs/delivery/delivery.h"

#include <limits>

#include "services/logs/delivery/calls.h"

namespace brume::logs {
namespace {

constexpr std::size_t kBatchText = 1 << 20;                      // JSON text of a batch, an event apart
constexpr std::uint64_t kMostScanned = std::uint64_t(64) << 20;  // text that is looked at for one batch
constexpr int kMostBatches = 16;                                 // of a job
constexpr auto kMostTime = std::chrono::seconds(4);              // after which a job begins no other call

}  // namespace

Result<std::optional<DeliveryBatch>> next_batch(logstore::EventStore& store, const DeliveryRule& rule,
                                                const TargetTraits& traits, const DeliveryCursor& from,
                                                std::int64_t give_up_before) {
  DeliveryBatch batch{.payloads = {}, .behind = from};
  if (from.up_to == 0) batch.behind = {from.above, store.last_id(rule.group), {}};
  if (batch.behind.up_to <= from.above) return std::nullopt;
  const logstore::Read read{.group = rule.group,
                            .streams = {},
                            .stream_prefix = "",
                            .to = std::numeric_limits<std::int64_t>::max(),
                            .after = from.at,
                            .above_id = from.above,
                            .up_to_id = batch.behind.up_to,
                            .needle = std::string(rule.pattern.needle()),
                            .scan_limit = kMostScanned};
  Packer packer(traits, rule.by_stream, rule.group_name, rule.filter);
  BRUME_TRY(scanned, store.visit(read, [&](const logstore::Event& event) {
    if (!rule.pattern.matches(event.message)) return true;
    if (event.ingestion < give_up_before)
      ++batch.expired;
    else
      packer.add(event);
    return packer.size() < kBatchText;
  }));
  batch.payloads = packer.finish();
  batch.too_large = packer.too_large();
  if (scanned.stopped)
    batch.behind.at = *scanned.stopped;
  else
    batch.behind = {batch.behind.up_to, 0, {}};
  return batch;
}

bool DeliveryJob::deliver(const aws::Outgoing& outgoing) {
  std::vector<Payload>& payloads = batch->payloads;
  const std::size_t count = payloads_of_call(destination, payloads);
  const auto answered = outgoing.send(traits_of(destination.kind).service, destination.region,
                                      delivery_request(destination, std::span(payloads).first(count)));
  DeliveryAnswer answer;
  if (answered) {
    answer = read_delivery_answer(destination, *answered, count);
  } else {
    for (std::size_t i = 0; i < count; ++i) answer.refused.push_back(i);
    answer.why = answered.error().message;
  }
  std::vector<Payload> left;
  auto refused = answer.refused.begin();
  for (std::size_t i = 0; i < count; ++i) {
    Payload& payload = payloads[i];
    if (refused != answer.refused.end() && *refused == i) {
      ++refused;
      (answer.throttled ? throttled : failed) += payload.events;
      left.push_back(std::move(payload));
    } else {
      delivered += payload.events;
      bytes += payload.bytes.size();
    }
  }
  payloads.erase(payloads.begin(), payloads.begin() + std::ptrdiff_t(count));
  payloads.insert(payloads.begin(), std::make_move_iterator(left.begin()), std::make_move_iterator(left.end()));
  why = answer.why;
  return why.empty();
}

void DeliveryJob::run(logstore::EventStore& store, const aws::Outgoing& outgoing, const env::Clock& clock) {
  const auto began = clock.now();
  const auto in_time = [&] { return clock.now() - began < kMostTime; };
  for (int batches = 0; batches < kMostBatches && in_time(); ++batches) {
    if (!batch) {
      auto next = next_batch(store, *rule, traits_of(destination.kind), cursor, give_up_before);
      if (!next) why = next.error().message;
      if (!next || !*next) return;
      batch = *std::move(next);
    }
    while (!batch->payloads.empty()) {
      more = !in_time();
      if (more || !deliver(outgoing)) return;
    }
    lost += batch->expired + batch->too_large;
    cursor = batch->behind;
    batch.reset();
  }
  more = true;
}

}  // namespace brume::logs
