// The system calls that an instance may make, as an OCI seccomp section. What is not named is refused.
//
// Those that container engines allow by default to a process with the capabilities that an instance has (bundle.h).
// What is left out reaches the kernel as a whole (modules, time, keys, tracing, mounts, io_uring) or makes and enters
// namespaces, in which a root without privileges would get some. Of the families of sockets, only those which stay in
// the instance's network namespace: not AF_VSOCK, which reaches a hypervisor's machine, nor the kernel's cryptography.
// Only the native convention of calls: a 32-bit program's end it.
#pragma once

#include <string>

namespace brume::compute {

std::string allowed_calls();

}  // namespace brume::compute
