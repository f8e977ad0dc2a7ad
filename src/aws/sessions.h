// Temporary credentials, as the dispatcher sees them: whose they are, and what they may do.
//
// What carries a session token is asked of here; the owner's keys carry none and may do everything. Implemented by
// services/sts, which knows roles and policies.
#pragma once

#include <string_view>

#include "aws/model.h"
#include "aws/sigv4.h"

namespace brume::aws {

class Sessions {
 public:
  virtual ~Sessions() = default;
  // The keys that go with a session token. Errors: InvalidClientTokenId, ExpiredToken (403).
  [[nodiscard]] virtual Result<Credentials> credentials(std::string_view access_key, std::string_view token) const = 0;
  // May the caller do this? `input` is of the operation's shape, read but not yet validated. Errors: AccessDenied (403)
  // with AWS's sentence.
  [[nodiscard]] virtual Result<void> authorize(const Call& call, const ServiceModel& service,
                                               const Operation& operation, const void* input) const = 0;
};

}  // namespace brume::aws
