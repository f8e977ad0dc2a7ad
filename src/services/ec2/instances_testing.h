// A simulated region for tests of the instance half: the whole service over a machine and a fabric that survive
// restarts of the control plane.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "aws/call.h"
#include "compute/driver.h"
#include "compute/images.h"
#include "env/sim.h"
#include "net/sim_fabric.h"
#include "services/common/recorded_logs.h"
#include "services/common/recorded_metrics.h"
#include "services/ec2/service.h"
#include "store/memory_backend.h"

namespace brume::ec2::testing {

// What is on the machine, whoever put it there.
struct FakeMachine {
  std::map<std::string, compute::State> instances;
  std::map<std::string, int> starts;           // how often an instance was really started
  std::map<std::string, compute::Usage> used;  // by those that run
  std::set<std::string> images;
  std::map<std::string, Error> refuse;  // by image: how a start fails
  int refusals_left = 1 << 30;          // so many of them
  int started_twice = 0;                // starts of what ran already
  int starting = 0, most_starting = 0;
};

class FakeDriver : public compute::Driver {
 public:
  FakeDriver(FakeMachine& machine, env::Loop& loop) : machine_(machine), loop_(loop) {}

  void start(const compute::InstanceSpec& spec, compute::Done done) override {
    machine_.most_starting = std::max(machine_.most_starting, ++machine_.starting);
    specs[spec.id] = spec;
    loop_.after(std::chrono::milliseconds(20), [this, spec, done = std::move(done)] {
      --machine_.starting;
      if (const auto refusal = machine_.refuse.find(spec.image_id);
          refusal != machine_.refuse.end() && machine_.refusals_left > 0) {
        --machine_.refusals_left;
        return done(std::unexpected(refusal->second));
      }
      const auto [row, added] = machine_.instances.try_emplace(spec.id, compute::State::stopped);
      if (row->second == compute::State::running)
        ++machine_.started_twice;
      else
        ++machine_.starts[spec.id];
      row->second = compute::State::running;
      loop_.after(std::chrono::milliseconds(3), [done] { done({}); });
    });
  }
  void stop(const std::string& id, env::Duration grace, compute::Done done) override {
    last_grace = grace;
    loop_.after(std::chrono::milliseconds(10), [this, id, done = std::move(done)] {
      if (machine_.instances.contains(id)) machine_.instances[id] = compute::State::stopped;
      loop_.after(std::chrono::milliseconds(3), [done] { done({}); });
    });
  }
  void destroy(const std::string& id, compute::Done done) override {
    loop_.after(std::chrono::milliseconds(10), [this, id, done = std::move(done)] {
      machine_.instances.erase(id);
      loop_.after(std::chrono::milliseconds(3), [done] { done({}); });
    });
  }
  Result<std::vector<compute::Observed>> list() override {
    std::vector<compute::Observed> found;
    for (const auto& [id, state] : machine_.instances) found.push_back({id, state});
    return found;
  }
  Result<std::string> console(const std::string& id) override { return "console of " + id; }
  void usage(std::function<void(const std::map<std::string, compute::Usage>&)> done) override {
    ++looks;
    std::map<std::string, compute::Usage> all;
    for (const auto& [id, state] : machine_.instances)
      if (state == compute::State::running) all[id] = machine_.used[id];
    loop_.post([all = std::move(all), done = std::move(done)] { done(all); });
  }
  void on_exit(std::function<void(const std::string&, int)> listener) override { listener_ = std::move(listener); }

  // PID 1 of the instance ends.
  void end(const std::string& id) {
    machine_.instances[id] = compute::State::stopped;
    listener_(id, 0);
  }

  std::map<std::string, compute::InstanceSpec> specs;
  env::Duration last_grace{};
  int looks = 0;  // at what all use

 private:
  FakeMachine& machine_;
  env::Loop& loop_;
  std::function<void(const std::string&, int)> listener_;
};

class FakeImages : public compute::Images {
 public:
  explicit FakeImages(FakeMachine& machine) : machine_(machine) {}
  Result<std::int64_t> import(const std::string& id, const std::string& source) override {
    if (source.ends_with("missing")) return fail("InvalidParameterValue", "There is nothing at {}", source);
    machine_.images.insert(id);
    return std::int64_t{9} << 30;
  }
  Result<void> remove(const std::string& id) override {
    machine_.images.erase(id);
    return {};
  }
  [[nodiscard]] bool exists(const std::string& id) const override { return machine_.images.contains(id); }
  [[nodiscard]] Result<std::vector<std::string>> list() const override {
    return std::vector<std::string>(machine_.images.begin(), machine_.images.end());
  }

 private:
  FakeMachine& machine_;
};

// The control plane over a machine and a disk; restart() is kill -9.
class Region : public ::testing::Test {
 protected:
  static constexpr const char* kRegion = "ap-southeast-1";

  struct ControlPlane {
    ControlPlane(Region& region)
        : store(region.backend),
          hints(region.sim.loop),
          context{region.sim.env, store, hints, kRegion},
          driver(region.machine, region.sim.loop),
          images(region.machine),
          api(context, region.fabric, driver, images, region.logs, region.metrics,
              [](std::string_view wanted) -> std::optional<InstanceProfile> {
                if (wanted != "web" && wanted != "arn:aws:iam::000000000000:instance-profile/web") return std::nullopt;
                return InstanceProfile{"web", "AIPA1", "arn:aws:iam::000000000000:instance-profile/web"};
              }) {
      EXPECT_TRUE(api.load());
      EXPECT_TRUE(api.start());
    }
    store::Store store;
    services::Hints hints;
    services::Context context;
    FakeDriver driver;
    FakeImages images;
    Service api;
    NetworkState& network = api.network_state();
  };

  Region() : plane(std::make_unique<ControlPlane>(*this)) {}

  void restart() {
    sim.loop.clear();
    machine.starting = 0;
    plane.reset();
    plane = std::make_unique<ControlPlane>(*this);
  }

  // Calls an operation as the dispatcher does: in a transaction.
  template <typename Answer, typename Owner, typename Request>
  Result<Answer> call(Result<Answer> (Owner::*operation)(const aws::Call&, const Request&), const Request& request) {
    const aws::Call user{
        .region = kRegion, .principal_arn = "arn:aws:iam::000000000000:root", .source_address = "127.0.0.1"};
    return plane->store.transact([&] { return (plane->api.*operation)(user, request); });
  }

  std::string make_image() {
    auto made = call(&Api::RegisterImage, RegisterImageRequest{.ImageLocation = "file:///images/base.tar",
                                                               .Name = "base-" + std::to_string(++images_made)});
    EXPECT_TRUE(made) << made.error().message;
    sim.loop.run_for(std::chrono::milliseconds(50));
    return *made->ImageId;
  }

  RunInstancesRequest launch_of(const std::string& image, int count = 1) {
    RunInstancesRequest request;
    request.ImageId = image;
    request.InstanceType = "t3.micro";
    request.MinCount = request.MaxCount = count;
    return request;
  }

  std::string launch(const RunInstancesRequest& request) {
    auto made = call(&Api::RunInstances, request);
    EXPECT_TRUE(made) << made.error().code << ": " << made.error().message;
    return made ? *made->Instances[0].InstanceId : "";
  }

  Instance shown(const std::string& id) {
    auto found = call(&Api::DescribeInstances, DescribeInstancesRequest{.InstanceIds = {id}});
    EXPECT_TRUE(found) << found.error().message;
    return found ? found->Reservations.at(0).Instances.at(0) : Instance();
  }
  std::string state(const std::string& id) { return shown(id).State.value_or(InstanceState()).Name.value_or("none"); }

  template <typename T>
  static std::string code(const Result<T>& result) {
    return result ? "" : result.error().code;
  }

  void run_for(env::Duration duration) { sim.loop.run_for(duration); }

  env::SimEnv sim;
  store::MemoryBackend backend;
  FakeMachine machine;
  services::RecordedMetrics metrics;
  services::RecordedLogs logs;
  net::SimFabric fabric;
  int images_made = 0;
  std::unique_ptr<ControlPlane> plane;
};

}  // namespace brume::ec2::testing
