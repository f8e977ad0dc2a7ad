// Runs nft(8) commands in the network namespace of the calling thread, as one transaction.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace brume::net {

// All of it or nothing. InternalFailure with the kernel's words.
Result<void> run_nftables(const std::string& commands);

// Does the work on a thread with descriptors of its own, few of them; the namespace is the caller's. What the work
// leaves open is closed after this has returned: the last close of a socket through which rules were removed waits for
// the kernel's readers, some ten milliseconds, while the rules hold already.
Result<void> with_own_descriptors(const std::function<Result<void>()>& work);

}  // namespace brume::net
