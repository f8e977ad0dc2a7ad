// The streams of a group: made, deleted, listed.
#pragma once

#include "logstore/state.h"

namespace brume::logstore {

// As the calls of EventStore.
Result<void> create_stream(State& state, GroupId group, const std::string& name, std::int64_t now);
Result<void> delete_stream(State& state, GroupId group, const std::string& name);
Result<void> delete_group(State& state, GroupId group);
Result<void> expire(State& state, GroupId group, std::int64_t older_than);
StreamPage list_streams(const State& state, const StreamQuery& query);
StreamInfo info_of(const Stream& stream);

}  // namespace brume::logstore
