// The procstat plugin: processes chosen by a pid file, their program or their command line, and what each uses.
//
// Pure but for what it is given to read with. As in the CloudWatch agent (which has it from Telegraf, with its native
// finder): `exe` is looked for in the path of the program, `pattern` in the whole command line; dimensions are what was
// chosen by and `process_name`, so that processes of one name are one metric. Of other users' processes the kernel
// shows root in an instance, which has no CAP_SYS_PTRACE, neither the program's path, for which the command line's
// first word stands then, nor reads, writes and open files, which are left out.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "compute/agent/measurements.h"

namespace brume::agent {

// The unit of a measurement, "" for none; nothing for what it does not tell.
std::optional<std::string_view> procstat_unit(std::string_view measurement);

// One reading for each process, and one with `pid_count`. Of the totals, `cpu_usage` is in seconds.
std::vector<Reading> read_procstat(const ProcessSelector& selector, const Machine& machine);

}  // namespace brume::agent
