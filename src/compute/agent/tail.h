// A file that is shipped, while the agent runs: what is on disk of it, the file itself, what was last seen of it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "compute/agent/file_state.h"
#include "compute/agent/placeholders.h"
#include "compute/agent/world.h"

namespace brume::agent {

struct Tail {
  FileState state;
  Destination to;
  std::unique_ptr<OpenFile> file;  // null when done
  std::int64_t size = 0;           // as last seen
  double grown_at = 0, unsent_since = 0, rotated_at = 0;
  bool pending_saved = false;
  bool overwritten = false;  // its bytes are not those that were shipped
};

// Up to `size` bytes at `offset`; fewer at the end.
std::string read_some(OpenFile& file, std::int64_t offset, std::int64_t size);
// Hash of the kFingerprint bytes before `offset`; nothing if they are not there.
std::optional<std::uint64_t> fingerprint_before(OpenFile& file, std::int64_t offset);
// Has the file the bytes by which a state knows it?
bool is_known_by_bytes(const FileState& state, OpenFile& file);

}  // namespace brume::agent
