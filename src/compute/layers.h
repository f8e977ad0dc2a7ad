// Layers of an OCI image, merged into one tree (OCI image specification, "Image Layer Filesystem Changeset").
#pragma once

#include <string>

#include "base/result.h"

namespace brume::compute {

// Moves what is in `layer` over `tree` (same file system), and removes what its whiteouts name. No link in either is
// followed. Errors: InvalidParameterValue for a whiteout that names nothing sensible.
Result<void> merge_layer(const std::string& layer, const std::string& tree);

}  // namespace brume::compute
