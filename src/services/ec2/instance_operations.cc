#include "services/ec2/instance_operations.h"

#include <algorithm>

#include "services/ec2/instance_kinds.h"

namespace brume::ec2 {

InstanceOperations::InstanceOperations(services::Context context, NetworkState& network, InstanceNetwork& fabric,
                                       compute::Driver& driver, compute::Images& images, InstanceProfiles profiles,
                                       services::MetricSink& metrics)
    : context_(context),
      network_(network),
      driver_(driver),
      profiles_(std::move(profiles)),
      instances_(context.store, kInstanceTable, context.region),
      image_table_(context.store, "ec2.images", context.region),
      key_pairs_(context.store, "ec2.key-pairs", context.region),
      launch_templates_(context.store, "ec2.launch-templates", context.region),
      launch_template_versions_(context.store, "ec2.launch-template-versions", context.region),
      image_controller_(context, image_table_, instances_, images),
      instance_controller_(
          context, instances_, network, fabric, driver, [this] { image_controller_.wake(); },
          // The machine does not say how much it lacks: one at a time.
          [this] { spot_.make_room(1); }),
      instance_metrics_(context, instances_, network.tags, driver, metrics),
      spot_(context, instances_, network.tags, [this](const std::string& id) {
        context_.hints.publish(id);
        instance_controller_.wake(id);
      }) {
  network.tags.add_kind(kInstance, [this](std::string_view id) { return instances_.contains(id); });
  network.tags.add_kind(kImage, [this](std::string_view id) {
    const Image* image = image_table_.find(id);
    return image && image->State != "deregistered";
  });
  network.tags.add_kind(kLaunchTemplate, [this](std::string_view id) { return launch_templates_.contains(id); });
  network.tags.add_kind(kKeyPair, [this](std::string_view id) {
    return std::ranges::any_of(key_pairs_.rows(), [&](const auto& row) { return row.second.KeyPairId == id; });
  });
  network.tags.add_kind(kVolume, [this](std::string_view id) {
    return std::ranges::any_of(instances_.rows(), [&](const auto& row) {
      return row.second.volume_id == id && row.second.state() != InstanceStateCode::terminated;
    });
  });
}

Result<void> InstanceOperations::load_instances() {
  BRUME_CHECK(instances_.load());
  BRUME_CHECK(image_table_.load());
  BRUME_CHECK(key_pairs_.load());
  BRUME_CHECK(launch_templates_.load());
  BRUME_CHECK(spot_.load());
  return launch_template_versions_.load();
}

Result<void> InstanceOperations::start_instances() {
  image_controller_.wake();
  BRUME_CHECK(instance_controller_.start());
  instance_metrics_.start();
  spot_.start();
  return {};
}

void InstanceOperations::put(const std::string& id, InstanceRecord record) {
  instances_.put(id, std::move(record));
  context_.store.after_commit([this, id] {
    context_.hints.publish(id);
    instance_controller_.wake(id);
  });
}

}  // namespace brume::ec2
