// A process of ours, named for good: its pid and its start time (proc(5) field 22), so that a pid given away again is
// not taken for it.
#pragma once

#include <sys/types.h>

#include <string>

#include "env/env.h"

namespace brume::daemon {

Result<void> write_pid_file(env::Env& env, const std::string& path, pid_t pid);
// The process that the file names, if it lives; 0 otherwise.
pid_t recorded_process(const env::Env& env, const std::string& path);

}  // namespace brume::daemon
