#include "logstore/state.h"

namespace brume::logstore {

StreamFacts& StagedFacts::of(const std::shared_ptr<Stream>& stream) {
  return facts_.try_emplace(stream, stream->facts).first->second;
}

Result<void> StagedFacts::write(GroupId group) {
  for (const auto& [stream, facts] : facts_)
    BRUME_CHECK(state_.database->put_stream(group, *stream, facts, state_.index.next_row - 1));
  return {};
}

void StagedFacts::apply() {
  for (auto& [stream, facts] : facts_) stream->facts = std::move(facts);
}

}  // namespace brume::logstore
