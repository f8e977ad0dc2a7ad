#include "services/autoscaling/capacity_units.h"

#include <algorithm>
#include <cstdlib>

namespace brume::autoscaling {

int units_of(const Instance& instance) {
  return instance.WeightedCapacity ? std::max(1, std::atoi(instance.WeightedCapacity->c_str())) : 1;
}

}  // namespace brume::autoscaling
