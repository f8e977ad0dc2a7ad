// Files, as far as the control plane needs them. Paths are absolute. Errors: InternalFailure with the path and the
// system's reason in the message (status 500); a full disk is InsufficientStorage (status 507).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace brume::env {

struct FileInfo {
  std::uint64_t size = 0;
  Timestamp modified;
};

class Files {
 public:
  virtual ~Files() = default;
  [[nodiscard]] virtual bool exists(const std::string& path) const = 0;
  [[nodiscard]] virtual Result<std::string> read(const std::string& path) const = 0;
  // The last `limit` bytes, or all if the file is shorter.
  [[nodiscard]] virtual Result<std::string> read_tail(const std::string& path, std::size_t limit) const = 0;
  // Replaces the file as a whole: readers see the old or the new content, also after power loss.
  virtual Result<void> write(const std::string& path, std::string_view content, unsigned mode = 0600) = 0;
  // Adds to the end of the file, which is made if it is not there; on disk when the call returns. A failed call leaves
  // the file as it was.
  virtual Result<void> append(const std::string& path, std::string_view content, unsigned mode = 0600) = 0;
  // In place of what is at `to`; both in one folder.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  // Of a file. Nothing there is an error.
  [[nodiscard]] virtual Result<FileInfo> info(const std::string& path) const = 0;
  // With parents; existing folders are left as they are.
  virtual Result<void> make_folders(const std::string& path, unsigned mode = 0700) = 0;
  // A file or a whole tree; nothing there is not an error. Does not follow links or cross mounts.
  virtual Result<void> remove_all(const std::string& path) = 0;
  // Names of the entries, sorted; a missing folder has none.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& path) const = 0;
};

}  // namespace brume::env
