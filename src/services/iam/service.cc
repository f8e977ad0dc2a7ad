#include "services/iam/service.h"

#include "services/common/ids.h"
#include "services/iam/details.h"

namespace brume::iam {

std::string iam_arn(std::string_view type, std::string_view path, std::string_view name) {
  return services::arn("iam", "", fmt::format("{}{}{}", type, path, name));
}

Service::Service(services::Context context)
    : context_(std::move(context)),
      roles_(context_.store, "iam.roles", ""),
      profiles_(context_.store, "iam.instance_profiles", ""),
      policies_(context_.store, "iam.policies", "") {}

Result<void> Service::load() {
  BRUME_CHECK(roles_.load());
  BRUME_CHECK(profiles_.load());
  return policies_.load();
}

std::string Service::unique_id(std::string_view prefix) {
  // AROA… and the like: the prefix and 17 of A–Z and 2–7.
  constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id(prefix);
  while (id.size() < 21) id += kLetters[context_.env.random.next() & 31];
  return id;
}

}  // namespace brume::iam
