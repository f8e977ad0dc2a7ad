// Where access logs wait for whoever takes them: files in a folder of each load balancer.
//
// A file is written as <number>.open and renamed to <number>.log when it is whole: then it is the taker's, who removes
// it. That is after a second, or at 1 MiB if files wait (nobody takes them just now). Numbers only grow. Each folder
// holds at most 256 MiB, and what waits in memory to be written is at most 32 MiB; lines beyond that, and what the disk
// does not take, are dropped and counted. Files are not synced: they survive every process, not a loss of power.
// A thread of its own writes, so that workers never wait for a disk.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "env/clock.h"
#include "env/fd.h"
#include "lb/access_line.h"
#include "lb/event_loop.h"

namespace brume::lb {

// Of one load balancer.
struct AccessPlace {
  AccessPlace(std::string to, std::string name_in_lines) : folder(std::move(to)), name(std::move(name_in_lines)) {}
  const std::string folder, name;
  std::atomic<std::int64_t> dropped = 0;  // lines
};

struct SpoolLimits {
  std::uint64_t folder_bytes = std::uint64_t(256) << 20;
  std::uint64_t waiting_bytes = std::uint64_t(32) << 20;
  std::uint64_t file_bytes = std::uint64_t(1) << 20;
  env::Duration file_age = std::chrono::seconds(1);
};

class AccessSpool {
 public:
  explicit AccessSpool(SpoolLimits limits = {}) : limits_(limits) {}
  // Writes what it was given.
  ~AccessSpool();
  AccessSpool(const AccessSpool&) = delete;
  AccessSpool& operator=(const AccessSpool&) = delete;

  // Whole lines. From any thread; never waits for the disk. With the first for a place, also one of no lines, what a
  // process before left open there is handed over.
  void write(std::shared_ptr<AccessPlace> place, std::string lines);

 private:
  struct Chunk {
    std::shared_ptr<AccessPlace> place;
    std::string lines;
  };
  struct Folder {
    env::Fd fd;  // of the file that is open, if one is
    std::uint64_t number = 0;
    std::uint64_t size = 0;   // of that file
    std::uint64_t bytes = 0;  // of all files, when last looked
    bool waiting = false;     // are there whole ones?
    env::MonotonicTime look_at{};
  };

  void run();
  void put(const Chunk& chunk);
  // Seals leftovers of a process before, and learns what is there.
  void look(const std::string& path, Folder& folder, bool first);
  bool open(const std::string& path, Folder& folder);
  void seal(const std::string& path, Folder& folder);
  void look_at_old();

  const SpoolLimits limits_;
  std::map<std::string, Folder> folders_;  // the thread's
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Chunk> chunks_;        // guarded by mutex_, as the next two
  std::uint64_t waiting_bytes_ = 0;  // of chunks_, and of those being written
  bool stopping_ = false;
  std::thread thread_;
};

// A worker's lines on their way there: handed over each second, and whenever 64 KiB are together. Belongs to its
// thread.
class AccessBuffer {
 public:
  AccessBuffer(EventLoop& loop, AccessSpool& spool) : loop_(loop), spool_(spool), due_([this] { flush(); }) {}
  void add(const std::shared_ptr<AccessPlace>& place, const AccessRecord& record);
  void flush();

 private:
  struct Part {
    std::shared_ptr<AccessPlace> place;
    std::string lines;
  };

  EventLoop& loop_;
  AccessSpool& spool_;
  AccessLines lines_;
  std::vector<Part> parts_;
  bool armed_ = false;
  Alarm due_;
};

}  // namespace brume::lb
