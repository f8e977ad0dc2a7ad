#include "services/ec2/image_controller.h"

#include <algorithm>
#include <memory>

#include "base/log.h"

namespace brume::ec2 {

std::optional<std::string> image_path(std::string_view location) {
  constexpr std::string_view kScheme = "file://";
  if (!location.starts_with(kScheme) || location.size() <= kScheme.size() || location[kScheme.size()] != '/')
    return std::nullopt;
  return std::string(location.substr(kScheme.size()));
}

ImageController::ImageController(services::Context context, store::Table<Image>& table,
                                 const store::Table<InstanceRecord>& instances, compute::Images& images)
    : context_(std::move(context)), table_(table), instances_(instances), images_(images) {}

void ImageController::wake() {
  if (woken_) return;
  woken_ = true;
  context_.env.loop.post([this] {
    woken_ = false;
    look();
  });
}

void ImageController::look() {
  if (!busy_ && !import_next()) remove_next();
}

bool ImageController::import_next() {
  for (const auto& [id, image] : table_.rows()) {
    if (image.State != "pending") continue;
    busy_ = true;
    auto bytes = std::make_shared<Result<std::int64_t>>(0);
    context_.env.loop.run_blocking(
        [this, bytes, id = id, path = image_path(*image.ImageLocation).value_or("")] {
          *bytes = images_.import(id, path);
        },
        [this, bytes, id = id] { imported(id, *bytes); });
    return true;
  }
  return false;
}

void ImageController::imported(const std::string& id, const Result<std::int64_t>& bytes) {
  busy_ = false;
  const Result<void> done = context_.store.transact([&]() -> Result<void> {
    if (table_.find(id)->State != "pending") return {};  // deregistered meanwhile
    table_.modify(id, [&](Image& image) {
      image.State = bytes ? "available" : "failed";
      if (bytes) {
        // Whole gibibytes, as volumes are measured.
        constexpr std::int64_t kGiB = std::int64_t{1} << 30;
        auto& ebs = *image.BlockDeviceMappings.at(0).Ebs;
        ebs.VolumeSize = std::max(*ebs.VolumeSize, std::int32_t((*bytes + kGiB - 1) / kGiB));
      } else {
        image.StateReason = StateReason{};
        image.StateReason->Code =
            bytes.error().code == "InvalidParameterValue" ? "Client.InvalidParameterValue" : "Server.InternalError";
        image.StateReason->Message = bytes.error().message;
      }
    });
    return {};
  });
  if (!done) {
    // The import is done again: the row still says pending.
    log_error("{}: its new state cannot be kept: {}", id, done.error().message);
    return look_later();
  }
  context_.hints.publish(id);
  look();
}

bool ImageController::remove_next() {
  for (const auto& [id, image] : table_.rows()) {
    if (image.State != "deregistered") continue;
    const bool needed = std::ranges::any_of(instances_.rows(), [&](const auto& row) {
      return row.second.instance.ImageId == id && row.second.state() != InstanceStateCode::terminated;
    });
    if (needed) continue;
    busy_ = true;
    auto done = std::make_shared<Result<void>>();
    context_.env.loop.run_blocking([this, done, id = id] { *done = images_.remove(id); },
                                   [this, done, id = id] { removed(id, *done); });
    return true;
  }
  return false;
}

void ImageController::removed(const std::string& id, const Result<void>& done) {
  busy_ = false;
  Result<void> kept = done;
  if (done) {
    kept = context_.store.transact([&]() -> Result<void> {
      table_.erase(id);
      return {};
    });
  }
  if (kept) return look();
  log_error("{} cannot be removed: {}", id, kept.error().message);
  look_later();
}

void ImageController::look_later() {
  context_.env.loop.after(std::chrono::seconds(30), [this] { look(); });
}

}  // namespace brume::ec2
