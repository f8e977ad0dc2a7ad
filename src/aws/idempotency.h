// Answers kept for retries: the same token with the same parameters gets the same answer, for 24 hours.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "aws/model.h"
#include "env/clock.h"
#include "store/table.h"

namespace brume::aws {

struct IdempotencyRecord {
  std::string parameters;  // a hash of them
  std::string answer;      // JSON of the output; empty for operations that answer nothing
  Timestamp time;
};

// All calls are inside a transaction, so that an answer is kept if and only if its effects are.
class Idempotency {
 public:
  Idempotency(const env::Clock& clock, store::Store& store) : clock_(clock), store_(store) {}

  // The token in this input, or nothing.
  static std::optional<std::string> token_of(const Operation& operation, const void* input);

  // Puts the kept answer into `output` and returns true, or returns false: not asked before.
  // Errors: IdempotentParameterMismatch.
  Result<bool> replay(const std::string& region, const ServiceModel& service, const Operation& operation,
                      const std::string& token, const void* input, void* output);
  Result<void> keep(const std::string& region, const ServiceModel& service, const Operation& operation,
                    const std::string& token, const void* input, const void* output);

 private:
  using Records = store::Table<IdempotencyRecord>;
  Result<Records*> records(const std::string& region);
  void prune(const std::string& region, Records& records);

  const env::Clock& clock_;
  store::Store& store_;
  std::map<std::string, std::unique_ptr<Records>> records_;
  std::map<std::string, Timestamp> pruned_;
};

}  // namespace brume::aws

BRUME_RECORD(brume::aws::IdempotencyRecord, parameters, answer, time)
