// A listening TCP socket on 169.254.169.254 inside a VPC's namespace: where instances, and nobody else, reach what
// Brume serves to them.
//
// Blocks for the fraction of a millisecond that a socket in another namespace takes. While the socket is open the
// namespace stays alive in the kernel.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "env/fd.h"

namespace brume::net {

// `path`: Fabric::vpc_namespace(). Errors: InternalFailure with the system's reason.
Result<env::Fd> listen_for_instances(const std::string& path, std::uint16_t port);

}  // namespace brume::net
