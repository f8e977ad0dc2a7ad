// For the event store's tests: a store in a folder of its own, small enough that little data folds, merges and drops.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "env/temporary_folder.h"
#include "logstore/event_store.h"

namespace brume::logstore {

class Folder {
  // In memory where that is possible: nothing here depends on a real disk, and each append waits for it.
  env::TemporaryFolder folder_{::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : std::filesystem::temp_directory_path()};

 public:
  Folder() {
    if (path.empty()) ADD_FAILURE() << "no temporary folder";
  }
  [[nodiscard]] Options options() const {
    return {.path = path + "/logs.db",
            .block_bytes = 4096,
            .fold_bytes = 8192,
            .section_bytes = 1024,
            .fold_rows = 32,
            .journal_rows = 96};
  }
  const std::string& path = folder_.path();
};

inline std::unique_ptr<EventStore> open_store(Options options) {
  auto opened = EventStore::open(std::move(options));
  if (!opened) ADD_FAILURE() << opened.error().message;
  return opened ? *std::move(opened) : nullptr;
}

// All of a read, as text: "<timestamp> <id> <ingestion> <stream> <message>".
inline std::vector<std::string> all_of(EventStore& store, const Read& read) {
  std::vector<std::string> out;
  const auto scanned = store.visit(read, [&](const Event& event) {
    out.push_back(
        fmt::format("{} {} {} {} {}", event.timestamp, event.id, event.ingestion, event.stream, event.message));
    return true;
  });
  if (!scanned) ADD_FAILURE() << scanned.error().message;
  return out;
}

}  // namespace brume::logstore
