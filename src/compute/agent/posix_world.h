// The real World: the instance's files, the state folder, the API.
#pragma once

#include <functional>
#include <string>

#include "compute/agent/cloud.h"
#include "compute/agent/world.h"

namespace brume::agent {

class PosixWorld : public World {
 public:
  // `state_folder` is made when it is first written to.
  PosixWorld(std::string state_folder, Cloud& cloud, std::function<void(const std::string&)> say)
      : state_folder_(std::move(state_folder)), cloud_(cloud), say_(std::move(say)) {}

  Timestamp now() override;
  double seconds() override;
  std::vector<FoundFile> find(const Glob& glob) override;
  std::vector<FoundFile> siblings(const std::string& path) override;
  std::optional<FileStat> stat(const std::string& path) override;
  std::unique_ptr<OpenFile> open(const std::string& path) override;
  bool remove(const std::string& path) override;
  std::string new_id() override;
  std::vector<std::string> load_states() override;
  bool save_state(const std::string& id, const std::string& text, bool durable) override;
  void forget_state(const std::string& id) override;
  Answer call(std::string_view operation, const std::string& body) override;
  void say(const std::string& line) override { say_(line); }

 private:
  std::string state_folder_;
  Cloud& cloud_;
  std::function<void(const std::string&)> say_;
};

}  // namespace brume::agent
