// The keys with which calls to services elsewhere are signed: those of the user's account there, not Brume's own.
//
// From <config_dir>/credentials, which has the form of the AWS CLI's and SDKs' shared credentials file, section
// [default]; where there is none, from the daemon's environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
// AWS_SESSION_TOKEN). The file is first, for a shell that `brume env` prepared has Brume's own keys in its environment.
#pragma once

#include <string>
#include <string_view>

#include "aws/sigv4.h"
#include "base/result.h"

namespace brume::daemon {

// Of a shared credentials file. Error: NoCredentials if the section is not there or not complete.
Result<aws::Credentials> parse_credentials(std::string_view text, std::string_view section);

// Reads them anew at each call, from any thread. Errors: NoCredentials, which says what to do; also for a file that
// others may read.
Result<aws::Credentials> outgoing_keys(const std::string& config_dir);

}  // namespace brume::daemon
