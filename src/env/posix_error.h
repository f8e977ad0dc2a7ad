// errno as an Error.
#pragma once

#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/result.h"

namespace brume::env {

// "<what> <path>: <reason>"; ENOSPC and EDQUOT become InsufficientStorage (507).
[[nodiscard]] inline std::unexpected<Error> posix_error(std::string_view what, std::string_view path,
                                                        int error = errno) {
  const bool full = error == ENOSPC || error == EDQUOT;
  return std::unexpected(
      Error{full ? "InsufficientStorage" : "InternalFailure",
            fmt::format("{} {}: {}{}", what, path, std::strerror(error), full ? "; free some space and try again" : ""),
            full ? 507 : 500});
}

}  // namespace brume::env
