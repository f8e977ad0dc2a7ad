// `brume doctor`: what this machine lacks, each with the mend.
#pragma once

#include "daemon/settings.h"

namespace brume::cli {

// Exit status 0 if nothing stands in the way.
int doctor(const daemon::Settings& settings);

}  // namespace brume::cli
