#include "compute/images_on_disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "compute/layers.h"
#include "compute/oci_layout.h"
#include "env/fd.h"
#include "env/posix_error.h"

namespace brume::compute {
namespace {

namespace fs = std::filesystem;

bool is_image_id(const std::string& id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool is_folder(const std::string& path) {
  struct stat info;
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// A shell is the least that user data needs. Links are not followed: an absolute one would be looked up on the machine.
bool is_root_file_system(const std::string& rootfs) {
  struct stat info;
  for (const char* folder : {"/usr", "/bin"}) {
    const std::string bin = rootfs + (folder == std::string("/usr") ? "/usr/bin" : "/bin");
    if (is_folder(rootfs + folder) && is_folder(bin) && ::lstat((bin + "/sh").c_str(), &info) == 0) return true;
  }
  return false;
}

// Of its files, in bytes; a file with several names counts once a name.
std::int64_t size_of(const std::string& folder) {
  std::int64_t size = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->is_regular_file(ignored) && !it->is_symlink(ignored)) size += std::int64_t(it->file_size(ignored));
  }
  return size;
}

}  // namespace

bool ImagesOnDisk::exists(const std::string& image_id) const {
  return is_image_id(image_id) && is_folder(folder_ + "/" + image_id + "/rootfs");
}

Result<std::vector<std::string>> ImagesOnDisk::list() const {
  BRUME_TRY(names, files_.list(folder_));
  std::erase_if(names, [&](const std::string& name) { return !exists(name); });
  return names;
}

Result<void> ImagesOnDisk::remove(const std::string& image_id) {
  if (!is_image_id(image_id)) return {};
  const std::string place = folder_ + "/" + image_id;
  const std::string leaving = folder_ + "/.removed-" + image_id;
  if (files_.exists(place)) {
    BRUME_CHECK(files_.remove_all(leaving));
    if (::rename(place.c_str(), leaving.c_str()) != 0) return env::posix_error("Cannot remove", place);
  }
  return files_.remove_all(leaving);
}

Result<std::int64_t> ImagesOnDisk::import(const std::string& image_id, const std::string& source) {
  if (!is_image_id(image_id)) return fail("InvalidParameterValue", "'{}' is not an image id", image_id);
  if (exists(image_id)) return size_of(folder_ + "/" + image_id + "/rootfs");
  const std::string draft = folder_ + "/.new-" + image_id;
  BRUME_CHECK(files_.remove_all(draft));
  auto installed = install(image_id, source, draft);
  // What cannot be removed now is removed by the next import of this id.
  if (!installed) (void)files_.remove_all(draft);
  return installed;
}

Result<std::int64_t> ImagesOnDisk::install(const std::string& image_id, const std::string& source,
                                           const std::string& draft) {
  BRUME_CHECK(files_.make_folders(folder_));
  BRUME_CHECK(files_.make_folders(draft, 0755));
  BRUME_CHECK(unpack(source, draft));
  if (!is_root_file_system(draft + "/rootfs"))
    return fail("InvalidParameterValue", "{} is not a root file system: it has neither /bin/sh nor /usr/bin/sh",
                source);
  const std::int64_t size = size_of(draft + "/rootfs");
  const env::Fd opened(::open(draft.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened || ::syncfs(opened.get()) != 0) return env::posix_error("Cannot sync", draft);
  if (::rename(draft.c_str(), (folder_ + "/" + image_id).c_str()) != 0) return env::posix_error("Cannot rename", draft);
  const env::Fd parent(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent || ::fsync(parent.get()) != 0) return env::posix_error("Cannot sync", folder_);
  return size;
}

Result<void> ImagesOnDisk::unpack(const std::string& source, const std::string& draft) {
  struct stat info;
  if (!source.starts_with('/') || ::stat(source.c_str(), &info) != 0)
    return fail("InvalidParameterValue", "There is no file or folder {}", source);
  if (S_ISDIR(info.st_mode)) {
    if (is_oci_layout(source)) return unpack_layout(source, draft);
    return run({"cp", "--archive", "--reflink=auto", "--", source + "/.", draft + "/rootfs"}, source);
  }
  if (!S_ISREG(info.st_mode)) return fail("InvalidParameterValue", "{} is neither a file nor a folder", source);
  BRUME_CHECK(extract(source, draft + "/unpacked"));
  if (is_oci_layout(draft + "/unpacked")) {
    BRUME_CHECK(unpack_layout(draft + "/unpacked", draft));
    return files_.remove_all(draft + "/unpacked");
  }
  if (::rename((draft + "/unpacked").c_str(), (draft + "/rootfs").c_str()) != 0)
    return env::posix_error("Cannot rename", draft);
  return {};
}

Result<void> ImagesOnDisk::unpack_layout(const std::string& layout, const std::string& draft) {
  BRUME_CHECK(files_.make_folders(draft + "/rootfs", 0755));
  BRUME_TRY(layers, layers_of(layout, processes_));
  for (const std::string& layer : layers) {
    BRUME_CHECK(extract(layer, draft + "/layer"));
    BRUME_CHECK(merge_layer(draft + "/layer", draft + "/rootfs"));
    BRUME_CHECK(files_.remove_all(draft + "/layer"));
  }
  return {};
}

Result<void> ImagesOnDisk::extract(const std::string& archive, const std::string& into) {
  BRUME_CHECK(files_.make_folders(into, 0755));
  // Attributes by name: those of overlayfs itself must not come from an archive.
  return run({"tar", "--extract", "--file", archive, "--directory", into, "--numeric-owner", "--same-owner",
              "--preserve-permissions", "--xattrs", "--xattrs-include=security.capability", "--xattrs-include=user.*",
              "--force-local"},
             archive);
}

Result<void> ImagesOnDisk::run(std::vector<std::string> argv, const std::string& source) {
  BRUME_TRY(finished, processes_.run({.argv = std::move(argv), .environment = {"LC_ALL=C"}}));
  if (finished.status == 0) return {};
  std::string reason = finished.errors.substr(0, finished.errors.find('\n'));
  if (finished.errors.find("No space left on device") != std::string::npos)
    return std::unexpected(Error{"InsufficientStorage", fmt::format("There is no room to import {}", source), 507});
  return fail("InvalidParameterValue", "{} cannot be unpacked: {}", source, reason);
}

}  // namespace brume::compute
