#include "compute/console_files.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compute/console_log.h"

namespace brume::compute {
namespace {

constexpr std::size_t kRawTail = 1 << 20;  // lines carry a prefix of 45 bytes

ino_t inode_of(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

}  // namespace

void keep_previous(const std::string& folder) {
  const std::string log = folder + "/console.log", now = folder + "/console.now", old = folder + "/console.old";
  const ino_t current = inode_of(log), known = inode_of(now);
  if (current == 0 || current == known) return;
  if (known != 0 && ::rename(now.c_str(), old.c_str()) != 0) return;
  // If it fails, the next call tries again.
  if (::link(log.c_str(), now.c_str()) != 0) return;
}

Result<std::string> read_console(const env::Files& files, const std::string& folder, std::size_t limit) {
  const std::string log = folder + "/console.log", old = folder + "/console.old";
  for (int attempt = 0;; ++attempt) {
    keep_previous(folder);
    const ino_t before = inode_of(log);
    if (before == 0) return "";
    BRUME_TRY(raw, files.read_tail(log, kRawTail));
    std::string text = console_text(raw, limit);
    if (text.size() < limit && raw.size() < kRawTail && files.exists(old)) {
      BRUME_TRY(earlier, files.read_tail(old, kRawTail));
      text = console_text(earlier, limit - text.size()) + text;
    }
    // A log that was filled meanwhile is not the one that was read.
    if (inode_of(log) == before || attempt == 3) return text;
  }
}

}  // namespace brume::compute
