// The instance's way to the cloud: who it is, its role's keys, signed calls.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "compute/agent/answer.h"
#include "compute/agent/http_connection.h"
#include "compute/agent/placeholders.h"
#include "compute/agent/role_keys.h"

namespace brume::agent {

class Cloud {
 public:
  // `repeats`: its calls may arrive twice. `keys`: other ones than the role's.
  Cloud(const Endpoint& endpoint, std::string region, bool repeats, Keys keys = {})
      : endpoint_(endpoint), connection_(endpoint, repeats), region_(std::move(region)), keys_(std::move(keys)) {}

  // From the metadata service; nothing if it does not answer (yet).
  static std::optional<Identity> identify();

  // Signed with the role's keys, which are fetched when there are none, they are about to expire or were not good.
  // Without a role: status 0, code NoCredentials. Not reached: status 0, code Unreachable
  // or Unanswered.
  Answer call(std::string_view service, std::string_view target, std::string_view content_type,
              const std::string& body);

 private:
  Result<void> fetch_keys();

  Endpoint endpoint_;
  HttpConnection connection_;
  std::string region_;
  Keys keys_;
};

}  // namespace brume::agent
