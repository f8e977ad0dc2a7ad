// The real world: the kernel's clocks and randomness, an Asio loop with a pool of worker threads, files, processes.
#pragma once

#include <memory>

#include "env/aside.h"
#include "env/env.h"

namespace boost::asio {
class io_context;
}

namespace brume::env {

class RealEnv {
 public:
  // `workers`: threads for Loop::run_blocking.
  explicit RealEnv(unsigned workers = 4);
  ~RealEnv();
  RealEnv(const RealEnv&) = delete;
  RealEnv& operator=(const RealEnv&) = delete;

  [[nodiscard]] Env& env();
  // For servers that run on the loop's thread.
  [[nodiscard]] boost::asio::io_context& io();
  // More threads, for work that is not to wait for Loop::run_blocking's: what is returned is as that.
  Aside more_workers(unsigned workers);
  // Runs the loop on this thread until stop().
  void run();
  // From any thread or from a callback.
  void stop();
  // After run(): waits for what is under way on the workers. What has not begun there is dropped, as a crash would.
  void end_workers();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace brume::env
