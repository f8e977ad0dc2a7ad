// An OCI image layout: the archives of an image's layers, lowest first, each with the digest its manifest gives
// (OCI image specification, "Image Layout"). Reads index.json, image indexes and the manifest for this machine.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "env/processes.h"

namespace brume::compute {

[[nodiscard]] bool is_oci_layout(const std::string& folder);

// Paths of the layers' archives. Blocks. Errors: InvalidParameterValue (not well formed, a digest that does not match,
// no image for linux on this machine's architecture).
Result<std::vector<std::string>> layers_of(const std::string& layout, env::Processes& processes);

// <layout>/blobs/sha256/<64 hexadecimal digits> of a digest "sha256:…". Pure.
Result<std::string> blob_path(const std::string& layout, const std::string& digest);

}  // namespace brume::compute
