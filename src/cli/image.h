// `brume image import`: a root file system as an image.
#pragma once

#include <string>

#include "cli/command.h"

namespace brume::cli {

// The image named `name`, imported from `source` (a tarball, folder or OCI layout) unless there is one; waits until it
// is available. Returns its id. Errors: of the import, as its StateReason says.
Result<std::string> ensure_image(Session& session, const std::string& name, const std::string& source);

// Imports and prints the id; with `parameter`, an SSM parameter of that name is set to it.
int image_import(const daemon::Settings& settings, const std::string& source, std::string name,
                 const std::string& parameter);

// Sets an SSM parameter to an image's id, if it is not that already.
Result<void> set_image_parameter(Session& session, const std::string& parameter, const std::string& image_id);

}  // namespace brume::cli
