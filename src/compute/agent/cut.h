// One batch from a file: its lines from an offset on, put together to events, as many as fit in a call.
//
// Pure but for what it is given to read with. The same bytes with the same rules and times give the same batch, so what
// was sent and not acknowledged can be made again. A batch ends where an event ends:
// - an event of several lines ends where the next begins; the file's last may still go on, so it waits
//   (`end_last`) until nothing came for a while;
// - a line without its line feed waits too, until the file has come to its end (`final`);
// - a line of more than kMaxEvent bytes is cut into several events, nothing of it is left out.
// NULs at a line's beginning, which a log that was truncated under its writer has, are left out; others are kept.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "compute/agent/batch.h"
#include "compute/agent/line_rules.h"

namespace brume::agent {

// When the file was seen to have grown: what lies before `offset` (and behind the mark before) was there at `time`.
struct Mark {
  std::int64_t offset = 0;
  Timestamp time;

  bool operator==(const Mark&) const = default;
};

struct CutRequest {
  std::int64_t from = 0, end = 0;  // what there is
  bool end_last = false, final = false;
  // Events without a time of their own get the last one that had one, else when they were read.
  Timestamp last_time;                       // the epoch: there was none
  const std::vector<Mark>* marks = nullptr;  // ascending; may be empty
  Timestamp now;
};

struct Cut {
  std::int64_t to = 0;  // where the batch ends; `from` if there is no event that has ended
  Batch batch;          // may be empty: all that there was is left out
  bool full = false;    // there was no room for what follows
  Timestamp last_time;
};

// Reads up to `size` bytes at `offset` to the end of `out`; what is read, 0 at the end, negative on failure.
using ReadAt = std::function<std::int64_t(std::int64_t offset, std::size_t size, std::string& out)>;

// Errors: reading failed.
Result<Cut> cut(const LineRules& rules, const CutRequest& request, const ReadAt& read);

}  // namespace brume::agent
