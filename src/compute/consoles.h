// Console output on disk: conmon's logs of an instance, of which a piece at a time is read (console_files.h has how
// they are kept).
//
// When an instance is destroyed its logs are moved to <state>/consoles/<id>, where they wait for being read and
// forgotten. A reader looks in both places, in this order, and so never misses one that is being moved.
#pragma once

#include "compute/console_source.h"
#include "env/files.h"

namespace brume::compute {

// Where the console of an instance that is gone is kept.
std::string last_words(const std::string& state_dir, const std::string& id);
// Moves the logs of an instance's folder there. What cannot be moved goes with the instance.
void keep_last_words(const std::string& folder, const std::string& to);

class Consoles : public ConsoleSource {
 public:
  Consoles(env::Files& files, std::string state_dir) : files_(files), state_dir_(std::move(state_dir)) {}
  Result<std::optional<ConsolePiece>> next(const std::string& id, const ConsoleRange& behind, bool ended) override;
  Result<ConsolePiece> again(const std::string& id, const ConsoleRange& range) override;
  Result<std::vector<std::string>> gone() override;
  Result<void> forget(const std::string& id) override;

 private:
  struct Log;
  // Oldest first; those that are empty are left out.
  [[nodiscard]] std::vector<Log> logs_of(const std::string& id) const;

  env::Files& files_;
  std::string state_dir_;
};

}  // namespace brume::compute
