// `brume env`: the API's address and the owner's key as shell exports.
#pragma once

#include "daemon/settings.h"

namespace brume::cli {

int env(const daemon::Settings& settings);

}  // namespace brume::cli
