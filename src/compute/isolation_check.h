// Can this machine isolate instances? For whoever asks before there is one; a start finds out by itself.
#pragma once

#include <string>

#include "base/result.h"

namespace brume::compute {

// Tries what an instance's root file system is made of, on the file system of `folder`, which must exist: a user
// namespace, a mount with mapped ids, an overlay on it. Nothing of it is seen outside or stays. Needs root.
Result<void> can_isolate(const std::string& folder);

// May everybody pass `folder`, which must exist, and those above it? An instance's root, who is nobody on the machine,
// has to.
Result<void> can_be_passed(const std::string& folder);

}  // namespace brume::compute
