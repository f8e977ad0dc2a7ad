// The driver as each of several regions sees it: every region is told of every exit, and passes over ids that it does
// not know.
#pragma once

#include <functional>
#include <vector>

#include "compute/driver.h"

namespace brume::daemon {

// Hands the driver's one stream of exits to any number of listeners.
class ExitHub {
 public:
  explicit ExitHub(compute::Driver& driver) {
    driver.on_exit([this](const std::string& id, int status) {
      for (const auto& listener : listeners_) listener(id, status);
    });
  }
  ExitHub(const ExitHub&) = delete;
  ExitHub& operator=(const ExitHub&) = delete;
  void add(std::function<void(const std::string&, int)> listener) { listeners_.push_back(std::move(listener)); }

 private:
  std::vector<std::function<void(const std::string&, int)>> listeners_;
};

class SharedDriver : public compute::Driver {
 public:
  SharedDriver(compute::Driver& driver, ExitHub& exits) : driver_(driver), exits_(exits) {}
  void start(const compute::InstanceSpec& spec, compute::Done done) override { driver_.start(spec, std::move(done)); }
  void stop(const std::string& id, env::Duration grace, compute::Done done) override {
    driver_.stop(id, grace, std::move(done));
  }
  void destroy(const std::string& id, compute::Done done) override { driver_.destroy(id, std::move(done)); }
  Result<std::vector<compute::Observed>> list() override { return driver_.list(); }
  Result<std::string> console(const std::string& id) override { return driver_.console(id); }
  void usage(std::function<void(const std::map<std::string, compute::Usage>&)> done) override {
    driver_.usage(std::move(done));
  }
  void on_exit(std::function<void(const std::string&, int)> listener) override { exits_.add(std::move(listener)); }

 private:
  compute::Driver& driver_;
  ExitHub& exits_;
};

}  // namespace brume::daemon
