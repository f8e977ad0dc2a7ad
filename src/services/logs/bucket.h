// A bucket of the S3 that Brume is told of, by path ("/bucket/key"): as much of it as exports need.
#pragma once

#include <string>
#include <string_view>

#include "aws/outgoing.h"

namespace brume::logs {

class Bucket {
 public:
  // `calls` outlives it.
  Bucket(const aws::Outgoing& calls, std::string region, std::string name)
      : calls_(calls), region_(std::move(region)), name_(std::move(name)) {}

  // Both block. What fails by no fault of the request is tried twice more. Errors: S3's, with its code in the message.
  Result<void> put(std::string_view key, std::string_view bytes) const;
  // Removes the objects whose keys begin so.
  Result<void> remove_all(std::string_view prefix) const;

 private:
  Result<std::string> call(const char* method, const std::string& target, std::string_view body) const;

  const aws::Outgoing& calls_;
  std::string region_, name_;
};

}  // namespace brume::logs
