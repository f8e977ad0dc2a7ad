// `brume env`: the API's address and the owner's key as shell exports.
#pragma once

#include "daemon/settings.h"

namespace brume::cli {

int env(const daemon::Settings& settings);
// `brume env --certificate`: what the signatures of instance identity documents are verified with.
int certificate(const daemon::Settings& settings);

}  // namespace brume::cli
