// What is known of a file that is shipped: where it is continued after any restart. Kept on the instance's disk, a file
// for each, written whole and renamed into place.
//
// Exactly once: before a batch is sent, its end (`pending_to`) is on disk. The batch carries token() as PutLogEvents'
// sequenceToken; the service takes a batch whose token it has seen lately as already there. So whatever dies in
// between, the same bytes are sent again with the same token, and `offset` follows only what was acknowledged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compute/agent/cut.h"

namespace brume::agent {

inline constexpr std::size_t kMaxMarks = 64;

struct FileState {
  std::string id;     // random, of this file and no other: an inode's number is given again
  std::string entry;  // FileEntry::key
  std::string path;   // where it was found first
  std::uint64_t device = 0, inode = 0;
  std::int64_t offset = 0;       // all before it is acknowledged, or was left out
  std::int64_t pending_to = -1;  // a batch from `offset` to here may have arrived; negative: none
  // By which the file is known again: hashes of its first `head_size` bytes, and of the kFingerprint bytes (fewer near
  // the beginning) before `offset` and `pending_to`.
  std::int64_t head_size = 0;  // at most kFingerprint
  std::uint64_t head = 0, before = 0, pending_before = 0;
  Timestamp last_time;      // of the last event that had one of its own
  std::vector<Mark> marks;  // behind `offset`
  bool rotated = false;     // no longer at its path
  bool done = false;        // and shipped to its end

  bool operator==(const FileState&) const = default;
  [[nodiscard]] bool is_pending() const { return pending_to > offset; }
  [[nodiscard]] std::string token() const;  // of the pending batch
};

inline constexpr std::int64_t kFingerprint = 256;

std::uint64_t fingerprint(std::string_view bytes);  // FNV-1a

// Notes that the file had `size` bytes at `time`. Of kMaxMarks every second goes, so that the newest stay exact.
void add_mark(std::vector<Mark>& marks, std::int64_t size, Timestamp time);
// Forgets those that speak of what lies before `offset` only.
void drop_marks(std::vector<Mark>& marks, std::int64_t offset);

std::string to_text(const FileState& state);
// Nothing for what is not such a text.
std::optional<FileState> state_from_text(std::string_view text);

}  // namespace brume::agent
