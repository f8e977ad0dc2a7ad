// What the instance controller needs of the fabric: an instance's interfaces in the kernel before it starts.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace brume::ec2 {

class InstanceNetwork {
 public:
  virtual ~InstanceNetwork() = default;
  // Brings the instance's namespace and its attached interfaces into being; `done` runs on the loop, later.
  virtual void ensure(const std::string& instance_id, std::function<void(Result<void>)> done) = 0;
  // Removes them from the kernel, trying until that succeeds; only then its addresses may be given out again.
  virtual void remove(const std::string& instance_id, std::function<void(Result<void>)> done) = 0;
  // The path of the instance's network namespace, whether or not it is there yet.
  [[nodiscard]] virtual std::string network_namespace(const std::string& instance_id) const = 0;
};

}  // namespace brume::ec2
