// Ending processes without hitting a stranger: a pid is only signalled through a handle (pidfd) that was opened before
// the process was looked at, so a pid that the kernel has given to another process meanwhile is never touched.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace brume::compute {

// SIGKILL to `pid` if `is_it()` still holds, then waits for its end, at most five seconds.
void kill_and_wait(pid_t pid, const std::function<bool()>& is_it);

// Waits until `pid` has ended, at most `milliseconds`. True if it has.
bool wait_for_end(pid_t pid, int milliseconds);

// Kills the processes with one of these program names (argv[0] without its folder) that have an argument which names
// `folder` or something in it. Blocks until they have ended.
void kill_programs_about(const std::vector<std::string>& programs, const std::string& folder);

// Those processes, as of now.
std::vector<pid_t> programs_about(const std::vector<std::string>& programs, const std::string& folder);

// The decision of kill_programs_about; `command_line` as in /proc/<pid>/cmdline. Pure.
bool is_about(const std::string& command_line, const std::vector<std::string>& programs, const std::string& folder);

}  // namespace brume::compute
