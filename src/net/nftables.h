// Runs nft(8) commands in the network namespace of the calling thread, as one transaction.
#pragma once

#include <string>

#include "base/result.h"

namespace brume::net {

// All of it or nothing. InternalFailure with the kernel's words.
Result<void> run_nftables(const std::string& commands);

}  // namespace brume::net
