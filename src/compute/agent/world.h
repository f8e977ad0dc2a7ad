// What the shipping of logs touches: files, the state on disk, the service, the console, time. Real in posix_world.h;
// in tests a model that dies between any two calls.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "compute/agent/answer.h"
#include "compute/agent/glob.h"

namespace brume::agent {

struct FileStat {
  std::uint64_t device = 0, inode = 0;
  std::int64_t size = 0;
  Timestamp modified;

  [[nodiscard]] bool is_same_file(const FileStat& other) const {
    return device == other.device && inode == other.inode;
  }
};

struct FoundFile {
  std::string path;
  FileStat stat;
};

class OpenFile {
 public:
  virtual ~OpenFile() = default;
  virtual std::optional<FileStat> stat() = 0;
  // Appends up to `size` bytes at `offset`; how many, 0 at the end, negative on failure.
  virtual std::int64_t read(std::int64_t offset, std::size_t size, std::string& out) = 0;
};

class World {
 public:
  virtual ~World() = default;

  virtual Timestamp now() = 0;
  virtual double seconds() = 0;  // monotonic

  // Regular files, symbolic links followed; bounded.
  virtual std::vector<FoundFile> find(const Glob& glob) = 0;
  // Files in the folder of `path` whose names begin with its name and go on.
  virtual std::vector<FoundFile> siblings(const std::string& path) = 0;
  virtual std::optional<FileStat> stat(const std::string& path) = 0;
  // For reading, if it is a regular file.
  virtual std::unique_ptr<OpenFile> open(const std::string& path) = 0;
  virtual bool remove(const std::string& path) = 0;

  virtual std::string new_id() = 0;  // 16 random hexadecimal digits
  virtual std::vector<std::string> load_states() = 0;
  // Replaces the state as a whole; `durable`: it is on disk when this returns. False: it could not be written.
  virtual bool save_state(const std::string& id, const std::string& text, bool durable) = 0;
  virtual void forget_state(const std::string& id) = 0;

  // An operation of CloudWatch Logs. Blocks, for a bounded time.
  virtual Answer call(std::string_view operation, const std::string& body) = 0;
  virtual void say(const std::string& line) = 0;
};

}  // namespace brume::agent
