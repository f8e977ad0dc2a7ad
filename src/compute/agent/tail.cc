#include "compute/agent/tail.h"

#include <algorithm>

namespace brume::agent {

std::string read_some(OpenFile& file, std::int64_t offset, std::int64_t size) {
  std::string out;
  while (std::int64_t(out.size()) < size) {
    const std::int64_t n = file.read(offset + std::int64_t(out.size()), std::size_t(size) - out.size(), out);
    if (n <= 0) break;
  }
  return out;
}

std::optional<std::uint64_t> fingerprint_before(OpenFile& file, std::int64_t offset) {
  const std::int64_t size = std::min(offset, kFingerprint);
  const std::string bytes = read_some(file, offset - size, size);
  if (std::int64_t(bytes.size()) < size) return std::nullopt;
  return fingerprint(bytes);
}

bool is_known_by_bytes(const FileState& state, OpenFile& file) {
  if (state.head_size > 0) {
    const std::string head = read_some(file, 0, state.head_size);
    if (std::int64_t(head.size()) < state.head_size || fingerprint(head) != state.head) return false;
  }
  if (state.is_pending()) return fingerprint_before(file, state.pending_to) == state.pending_before;
  return state.offset == 0 || fingerprint_before(file, state.offset) == state.before;
}

}  // namespace brume::agent
