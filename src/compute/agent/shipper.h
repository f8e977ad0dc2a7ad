// All entries of the configuration together, with what they had before a restart.
#pragma once

#include <memory>
#include <vector>

#include "compute/agent/config.h"
#include "compute/agent/follower.h"

namespace brume::agent {

class Shipper {
 public:
  // What cannot be followed is said.
  Shipper(const Config& config, const Identity& identity, const std::string& state_folder, World& world,
          Notices& notices);

  [[nodiscard]] bool empty() const { return followers_.empty(); }
  void step();
  // For the end of the instance. False if it is worth another try.
  bool finish();

 private:
  LogGroups groups_;
  std::vector<std::unique_ptr<Follower>> followers_;
};

}  // namespace brume::agent
