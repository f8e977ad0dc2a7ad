#include "compute/layers.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>
#include <vector>

#include "env/fd.h"
#include "env/posix_error.h"

namespace brume::compute {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";

using env::Fd;
using env::posix_error;

Fd open_folder(int parent, const std::string& name) {
  return Fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

Result<std::vector<std::string>> names_in(int folder) {
  // Of its own: reading moves the position, and closedir closes.
  const int fd = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> reader(fd < 0 ? nullptr : ::fdopendir(fd), &::closedir);
  if (!reader) return posix_error("Cannot list", "a layer");
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(reader.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

bool is_folder(int parent, const std::string& name) {
  struct stat info;
  return ::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

Result<void> remove_entry(int parent, const std::string& name) {
  if (is_folder(parent, name)) {
    const Fd folder = open_folder(parent, name);
    if (!folder) return posix_error("Cannot open", name);
    BRUME_TRY(children, names_in(folder.get()));
    for (const std::string& child : children) BRUME_CHECK(remove_entry(folder.get(), child));
    if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0) return posix_error("Cannot remove", name);
  } else if (::unlinkat(parent, name.c_str(), 0) != 0 && errno != ENOENT) {
    return posix_error("Cannot remove", name);
  }
  return {};
}

Result<void> apply_whiteouts(int tree, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (!name.starts_with(kWhiteout)) continue;
    if (name == kOpaque) {
      BRUME_TRY(children, names_in(tree));
      for (const std::string& child : children) BRUME_CHECK(remove_entry(tree, child));
      continue;
    }
    const std::string target = name.substr(kWhiteout.size());
    if (target.empty() || target == "." || target == "..")
      return fail("InvalidParameterValue", "A layer has the whiteout '{}', which names nothing", name);
    BRUME_CHECK(remove_entry(tree, target));
  }
  return {};
}

Result<void> drop_whiteouts(int layer) {
  BRUME_TRY(names, names_in(layer));
  for (const std::string& name : names) {
    if (name.starts_with(kWhiteout)) {
      BRUME_CHECK(remove_entry(layer, name));
    } else if (is_folder(layer, name)) {
      const Fd folder = open_folder(layer, name);
      if (!folder) return posix_error("Cannot open", name);
      BRUME_CHECK(drop_whiteouts(folder.get()));
    }
  }
  return {};
}

Result<void> merge(int layer, int tree) {
  struct stat info;
  if (::fstat(layer, &info) != 0 || ::fchown(tree, info.st_uid, info.st_gid) != 0 ||
      ::fchmod(tree, info.st_mode & 07777) != 0)
    return posix_error("Cannot set the owner of", "a folder");
  BRUME_TRY(names, names_in(layer));
  BRUME_CHECK(apply_whiteouts(tree, names));
  for (const std::string& name : names) {
    if (name.starts_with(kWhiteout)) continue;
    if (is_folder(layer, name)) {
      const Fd from = open_folder(layer, name);
      if (!from) return posix_error("Cannot open", name);
      if (is_folder(tree, name)) {
        const Fd to = open_folder(tree, name);
        if (!to) return posix_error("Cannot open", name);
        BRUME_CHECK(merge(from.get(), to.get()));
        continue;
      }
      // Moved as a whole: nothing is below it in the tree that its whiteouts could name.
      BRUME_CHECK(drop_whiteouts(from.get()));
    }
    BRUME_CHECK(remove_entry(tree, name));
    if (::renameat(layer, name.c_str(), tree, name.c_str()) != 0) return posix_error("Cannot move", name);
  }
  return {};
}

}  // namespace

Result<void> merge_layer(const std::string& layer, const std::string& tree) {
  const Fd from = open_folder(AT_FDCWD, layer);
  const Fd to = open_folder(AT_FDCWD, tree);
  if (!from || !to) return posix_error("Cannot open", from ? tree : layer);
  return merge(from.get(), to.get());
}

}  // namespace brume::compute
