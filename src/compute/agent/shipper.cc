#include "compute/agent/shipper.h"

#include <map>

namespace brume::agent {

Shipper::Shipper(const Config& config, const Identity& identity, const std::string& state_folder, World& world,
                 Notices& notices)
    : groups_(world, notices) {
  const Follower::Setting setting{.identity = identity,
                                  .started = world.now(),
                                  .flush_seconds = double(config.force_flush_interval),
                                  .state_folder = state_folder};
  std::map<std::string, std::vector<FileState>> states;
  for (const std::string& text : world.load_states())
    if (auto state = state_from_text(text)) states[state->entry].push_back(*std::move(state));
  for (const FileEntry& entry : config.files) {
    std::vector<std::string> refused;
    auto rules = LineRules::compile(entry, refused);
    for (const std::string& line : refused) notices.say(line);
    if (!rules) {
      notices.say(fmt::format("{} is not shipped: {}", entry.key, rules.error().message));
      continue;
    }
    auto& follower = *followers_.emplace_back(
        std::make_unique<Follower>(entry, *std::move(rules), setting, world, groups_, notices));
    follower.restore(std::move(states[entry.key]));
    states.erase(entry.key);
  }
  // Of entries that are no longer in the configuration.
  for (const auto& [key, gone] : states)
    for (const FileState& state : gone) world.forget_state(state.id);
}

void Shipper::step() {
  for (const auto& follower : followers_) follower->step();
}

bool Shipper::finish() {
  bool all = true;
  for (const auto& follower : followers_) all = follower->finish() && all;
  return all;
}

}  // namespace brume::agent
