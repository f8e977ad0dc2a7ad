#include "daemon/metadata_fabric.h"

#include <future>
#include <memory>

namespace brume::daemon {

Result<void> MetadataFabric::ensure_vpc(const net::VpcSpec& spec) {
  BRUME_CHECK(fabric_.ensure_vpc(spec));
  loop_.post([open = open_, id = spec.id] { open(id); });
  return {};
}

Result<void> MetadataFabric::remove_vpc(const std::string& vpc_id) {
  // We are on a worker; the service's sockets keep the namespace alive until the loop has closed them.
  auto closed = std::make_shared<std::promise<void>>();
  loop_.post([close = close_, vpc_id, closed] {
    close(vpc_id);
    closed->set_value();
  });
  closed->get_future().wait();
  return fabric_.remove_vpc(vpc_id);
}

}  // namespace brume::daemon
