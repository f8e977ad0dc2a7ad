// What an instance's root file system is made of, as the kernel shows it to the instance's ids.
//
// An image lies on disk with the ids that its files have inside; a mapped mount shows them as the instance's, without a
// file being touched. Blocks: call it from a worker. Needs Linux 5.19, where overlayfs takes such mounts as lower
// layers, and a file system that knows them (ext4, xfs, btrfs; tmpfs since 6.3).
#pragma once

#include <string>

#include "base/result.h"
#include "compute/id_range.h"
#include "env/fd.h"

namespace brume::compute {

// A user namespace with ids 0 to 65535 mapped to the range. Nobody lives in it.
Result<env::Fd> user_namespace(IdRange range);

// Mounts `folder` at `target`, read-only, with its ids mapped to the range.
Result<void> mount_mapped(const std::string& folder, const std::string& target, IdRange range);

// Mounts a sysfs at `target`, read-only, with the network devices of the calling thread's namespace. An instance's own
// root could not: its network namespace is the machine's.
Result<void> mount_sysfs(const std::string& target);

}  // namespace brume::compute
