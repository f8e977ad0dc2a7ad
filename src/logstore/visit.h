// Reading: the events of some rows and blocks, merged in the order of their positions.
//
// A visit plans once: which rows and blocks overlap its range. It opens each when the merge gets there and closes it
// when it is through, so it holds as many as overlap in time. A row or block that is gone when it is to be opened was
// folded or merged into another one: the visit plans anew from where it is, so that it holds neither a lock nor a
// transaction in between.
#pragma once

#include "logstore/state.h"

namespace brume::logstore {

// As EventStore::visit.
Result<Scanned> visit(State& state, const Read& read, const std::function<bool(const Event&)>& visitor);

}  // namespace brume::logstore
