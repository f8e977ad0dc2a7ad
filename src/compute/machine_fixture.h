// For tests that run real instances: folders, a network namespace and an image of their own, all removed at the end.
//
// Needs root, runc, conmon and /bin/busybox (busybox-static). The namespace has 169.254.169.254 on its loopback device,
// where a metadata service made of one thread answers.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "compute/images_on_disk.h"
#include "compute/oci_driver.h"
#include "env/real.h"

namespace brume::compute::testing {

// Empty if this machine can run instances, else why it cannot.
std::string cannot_run_instances();

class Machine {
 public:
  Machine();
  // In another process: works on the folders of the one that made them, and leaves them to it.
  explicit Machine(const std::string& root);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Runs the loop until `done()`, at most 30 seconds; false if it never was.
  bool run_until(const std::function<bool()>& done);
  // Runs the call and the loop until it has called back.
  Result<void> wait(const std::function<void(Done)>& call);
  // What the metadata service answers.
  void set_user_data(const std::string& text);
  void set_public_key(const std::string& text);
  [[nodiscard]] InstanceSpec spec(const std::string& id) const;
  // Lines of /proc/self/mountinfo, cgroup folders and command lines that name this machine's folders.
  [[nodiscard]] std::string traces() const;

  env::RealEnv real;
  std::string root;
  Paths paths;
  Settings settings;
  std::unique_ptr<ImagesOnDisk> images;

 private:
  void make_namespace();
  void serve();

  bool owner_ = true;
  std::mutex mutex_;
  std::string user_data_, public_key_;  // guarded by mutex_
  int listener_ = -1;
  std::thread server_;
};

}  // namespace brume::compute::testing
