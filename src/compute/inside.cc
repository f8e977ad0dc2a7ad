#include "compute/inside.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "env/fd.h"

namespace brume::compute {
namespace {

constexpr std::size_t kMaxFile = 1 << 20;

env::Fd open_inside(const std::string& root, const std::string& path, int flags) {
  const env::Fd top(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!top) return {};
  open_how how{};
  how.flags = std::uint64_t(flags | O_CLOEXEC);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return env::Fd(int(::syscall(SYS_openat2, top.get(), path.c_str(), &how, sizeof how)));
}

}  // namespace

std::string read_inside(const std::string& root, const std::string& path) {
  std::string content;
  // What is a pipe must not hold us up.
  const env::Fd fd = open_inside(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat info{};
  if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return content;
  char buffer[8192];
  while (content.size() < kMaxFile) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    content.append(buffer, std::size_t(n));
  }
  return content;
}

bool is_folder_inside(const std::string& root, const std::string& path) {
  return bool(open_inside(root, path, O_PATH | O_DIRECTORY));
}

}  // namespace brume::compute
