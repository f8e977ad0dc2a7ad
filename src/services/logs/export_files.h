// Writes events to an export's files: a folder a stream, one compressed file in it.
#pragma once

#include <atomic>
#include <map>
#include <string>

#include "env/files.h"
#include "logstore/event_store.h"

namespace brume::logs {

// Writes all that `read` visits below `folder`, in pieces: each goes to the stream's file as a gzip member of its own,
// so that the file is whole at any time. Holds at most some MiB. Stops early, without an error, once `cancelled`.
// Errors: the files' and the store's.
Result<void> export_events(logstore::EventStore& store, logstore::Read read, env::Files& files,
                           const std::string& folder, const std::atomic<bool>& cancelled);

}  // namespace brume::logs
