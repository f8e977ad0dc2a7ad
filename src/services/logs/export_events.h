// What an export consists of: a file a stream, a line an event, its time and its message, compressed.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "logstore/event_store.h"

namespace brume::logs {

// Where it goes. Blocks.
class ExportSink {
 public:
  virtual ~ExportSink() = default;
  // More of a stream's file, a gzip member. `stream` is its name, with '-' where that has '/'.
  virtual Result<void> add(const std::string& stream, std::string_view member) = 0;
  // That was all.
  virtual Result<void> finish() = 0;
};

// Writes all that `read` visits, in pieces. Holds at most some MiB. Stops early, without an error, once `cancelled`.
// Errors: the sink's and the store's.
Result<void> export_events(logstore::EventStore& store, const logstore::Read& read, ExportSink& sink,
                           const std::atomic<bool>& cancelled);

}  // namespace brume::logs
