// The system calls an instance is refused, as an OCI seccomp section.
//
// Those that container engines refuse by default to a process without CAP_SYS_ADMIN and its like: they reach the kernel
// as a whole (modules, time, keys, tracing, mounts) or make namespaces, in which a root without privileges would get
// some. Defence in depth: the missing capabilities already refuse most of them.
#pragma once

#include <string>

namespace brume::compute {

std::string refused_calls();

}  // namespace brume::compute
