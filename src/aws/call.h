// Who calls, for whom, where: what every operation is handed besides its request.
#pragma once

#include <string>

namespace brume::aws {

inline constexpr const char* kAccount = "000000000000";

struct Call {
  std::string region;
  std::string account = kAccount;
  std::string request_id;      // a UUID; echoed to the client
  std::string principal_arn;   // "arn:aws:iam::000000000000:root" or an assumed role's
  std::string user_id;         // what GetCallerIdentity shows
  std::string source_address;  // of the client; empty for calls from inside
  std::string session_token;   // of temporary credentials; empty: the owner's keys, or a call from inside
};

}  // namespace brume::aws
