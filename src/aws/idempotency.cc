#include "aws/idempotency.h"

#include "aws/sigv4.h"
#include "base/json.h"

namespace brume::aws {
namespace {

constexpr std::chrono::hours kKept{24};

std::string key_of(const ServiceModel& service, const Operation& operation, const std::string& token) {
  return fmt::format("{}:{}:{}", service.id, operation.name, token);
}

std::string hash_of(const Operation& operation, const void* input) {
  return sha256_hex(write_json(*operation.input(), input));
}

}  // namespace

std::optional<std::string> Idempotency::token_of(const Operation& operation, const void* input) {
  if (!operation.idempotent_token || !operation.input || !input) return std::nullopt;
  for (const Member& member : operation.input()->members)
    if (const void* held = member.idempotency_token ? member.get(input) : nullptr)
      if (const auto& token = *static_cast<const std::string*>(held); !token.empty()) return token;
  return std::nullopt;
}

Result<Idempotency::Records*> Idempotency::records(const std::string& region) {
  auto& table = records_[region];
  if (!table) {
    auto loaded = std::make_unique<Records>(store_, "idempotency", region);
    BRUME_CHECK(loaded->load());
    table = std::move(loaded);
  }
  return table.get();
}

Result<bool> Idempotency::replay(const std::string& region, const ServiceModel& service, const Operation& operation,
                                 const std::string& token, const void* input, void* output) {
  BRUME_TRY(table, records(region));
  const IdempotencyRecord* record = table->find(key_of(service, operation, token));
  if (!record || record->time + kKept < clock_.wall()) return false;
  if (record->parameters != hash_of(operation, input))
    return fail("IdempotentParameterMismatch",
                "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).");
  if (operation.output && output) BRUME_CHECK(read_json(*operation.output(), output, record->answer));
  return true;
}

Result<void> Idempotency::keep(const std::string& region, const ServiceModel& service, const Operation& operation,
                               const std::string& token, const void* input, const void* output) {
  BRUME_TRY(table, records(region));
  prune(region, *table);
  std::string answer = operation.output && output ? write_json(*operation.output(), output) : "";
  table->put(key_of(service, operation, token), {hash_of(operation, input), std::move(answer), clock_.wall()});
  return {};
}

void Idempotency::prune(const std::string& region, Records& table) {
  // Looking at every record is for once an hour, not for every call.
  Timestamp& last = pruned_[region];
  const Timestamp now = clock_.wall();
  if (last + std::chrono::hours(1) > now && last <= now) return;
  last = now;
  std::vector<std::string> old;
  for (const auto& [key, record] : table.rows())
    if (record.time + kKept < now) old.push_back(key);
  for (const std::string& key : old) table.erase(key);
}

}  // namespace brume::aws
