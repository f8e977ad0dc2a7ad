#include "daemon/metadata_fabric.h"

#include <memory>

namespace brume::daemon {

Result<void> MetadataFabric::ensure_vpc(const net::VpcSpec& spec) {
  BRUME_CHECK(fabric_.ensure_vpc(spec));
  loop_.post([open = open_, id = spec.id] { open(id); });
  return {};
}

Result<void> MetadataFabric::remove_vpc(const std::string& vpc_id) {
  // We are on a worker; the service's sockets keep the namespace alive until the loop has closed them.
  const auto closed = std::make_shared<bool>(false);
  loop_.post([this, vpc_id, closed] {
    close_(vpc_id);
    const std::lock_guard lock(mutex_);
    *closed = true;
    changed_.notify_all();
  });
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return *closed || loop_ended_; });
    if (!*closed) return fail_internal("The network {} is left to the next daemon: this one stops", vpc_id);
  }
  return fabric_.remove_vpc(vpc_id);
}

void MetadataFabric::loop_ended() {
  const std::lock_guard lock(mutex_);
  loop_ended_ = true;
  changed_.notify_all();
}

}  // namespace brume::daemon
