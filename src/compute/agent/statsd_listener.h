// The UDP port at which programs of the instance send by StatsD's protocol.
//
// A thread of its own takes datagrams as they come, since the rest of the agent waits for files and for the API; they
// wait to be fetched: at most as many as the configuration allows, and kMaxWaitingBytes. What comes while there is no
// room is counted and lost, as UDP has it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"

namespace brume::agent {

inline constexpr std::size_t kMaxWaitingBytes = 8 << 20;

class StatsdListener {
 public:
  // `address`: "10.0.0.1:8125", "[::1]:8125", "localhost:8125", or ":8125" for all of the instance's. Errors:
  // InvalidConfiguration (no such address), Unavailable (the port is taken).
  static Result<std::unique_ptr<StatsdListener>> open(const std::string& address, std::size_t allowed);
  ~StatsdListener();
  StatsdListener(const StatsdListener&) = delete;
  StatsdListener& operator=(const StatsdListener&) = delete;

  // What has come since the last call.
  std::vector<std::string> take();
  [[nodiscard]] std::uint64_t dropped();
  [[nodiscard]] std::uint16_t port() const;

 private:
  StatsdListener(int socket, int end, std::size_t allowed);
  void run();
  void keep(std::string datagram);

  int socket_, end_;  // end_: an eventfd
  std::size_t allowed_;
  std::mutex mutex_;
  std::vector<std::string> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::uint64_t dropped_ = 0;
  std::thread thread_;
};

}  // namespace brume::agent
