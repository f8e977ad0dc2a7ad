#include "compute/oci_layout.h"

#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/json.h"
#include "env/posix_files.h"

namespace brume::compute {

struct OciPlatform {
  std::string architecture;
  std::string os;
};

struct OciDescriptor {
  std::string mediaType;
  std::string digest;
  std::optional<OciPlatform> platform;
};

// An image index or a manifest; a document is one or the other.
struct OciDocument {
  List<OciDescriptor> manifests;
  List<OciDescriptor> layers;
};

}  // namespace brume::compute

BRUME_RECORD(brume::compute::OciPlatform, architecture, os)
BRUME_RECORD(brume::compute::OciDescriptor, mediaType, digest, platform)
BRUME_RECORD(brume::compute::OciDocument, manifests, layers)

namespace brume::compute {
namespace {

constexpr std::size_t kMaxDocument = 4 << 20;
constexpr std::size_t kMaxLayers = 128;
constexpr int kMaxIndexes = 4;  // indexes within indexes

bool is_file(const std::string& path) {
  struct stat info;
  return ::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

// Go's names, which the specification uses.
std::string architecture() {
  utsname name{};
  ::uname(&name);
  const std::string machine = name.machine;
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  return machine;
}

Result<OciDocument> read_document(const std::string& path) {
  struct stat info;
  if (!is_file(path) || ::stat(path.c_str(), &info) != 0 || std::size_t(info.st_size) > kMaxDocument)
    return fail("InvalidParameterValue", "The OCI image has no readable {}", path.substr(path.rfind('/') + 1));
  BRUME_TRY(text, env::PosixFiles().read(path));
  auto document = from_json<OciDocument>(text);
  if (!document) return fail("InvalidParameterValue", "The OCI image is not well formed: {}", document.error().message);
  return *document;
}

// The blob's path, once its content has the digest.
Result<std::string> verified_blob(const std::string& layout, const std::string& digest, env::Processes& processes) {
  BRUME_TRY(path, blob_path(layout, digest));
  if (!is_file(path)) return fail("InvalidParameterValue", "The OCI image lacks the blob {}", digest);
  BRUME_TRY(sum, processes.run({.argv = {"sha256sum", "--", path}}));
  if (sum.status != 0 || "sha256:" + sum.output.substr(0, 64) != digest)
    return fail("InvalidParameterValue", "The OCI image's blob {} has another content", digest);
  return path;
}

const OciDescriptor* choose(const List<OciDescriptor>& manifests) {
  for (const OciDescriptor& manifest : manifests)
    if (!manifest.platform || (manifest.platform->os == "linux" && manifest.platform->architecture == architecture()))
      return &manifest;
  return nullptr;
}

}  // namespace

bool is_oci_layout(const std::string& folder) {
  return is_file(folder + "/oci-layout") && is_file(folder + "/index.json");
}

Result<std::string> blob_path(const std::string& layout, const std::string& digest) {
  constexpr std::string_view kKind = "sha256:";
  if (!digest.starts_with(kKind) || digest.size() != kKind.size() + 64 ||
      digest.find_first_not_of("0123456789abcdef", kKind.size()) != std::string::npos)
    return fail("InvalidParameterValue", "'{}' is not a sha256 digest", digest);
  return layout + "/blobs/sha256/" + digest.substr(kKind.size());
}

Result<std::vector<std::string>> layers_of(const std::string& layout, env::Processes& processes) {
  BRUME_TRY(first, read_document(layout + "/index.json"));
  OciDocument document = std::move(first);
  for (int depth = 0; document.layers.empty(); ++depth) {
    const OciDescriptor* chosen = depth < kMaxIndexes ? choose(document.manifests) : nullptr;
    if (!chosen) return fail("InvalidParameterValue", "The OCI image has no manifest for linux/{}", architecture());
    BRUME_TRY(path, verified_blob(layout, chosen->digest, processes));
    BRUME_TRY(next, read_document(path));
    document = std::move(next);
  }
  if (document.layers.size() > kMaxLayers)
    return fail("InvalidParameterValue", "The OCI image has more than {} layers", kMaxLayers);
  std::vector<std::string> paths;
  for (const OciDescriptor& layer : document.layers) {
    BRUME_TRY(path, verified_blob(layout, layer.digest, processes));
    paths.push_back(std::move(path));
  }
  return paths;
}

}  // namespace brume::compute
