// What every service is built from. One instance of each service a region; global ones (IAM, STS) have region "".
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/call.h"
#include "env/env.h"
#include "store/store.h"

namespace brume::services {

// Wake-ups between services: "something about this resource changed, look again". A controller uses one to look sooner,
// never to learn what happened: a hint may be lost, doubled or early, and each controller also looks by itself at
// times. Delivered on the loop, after the call that published it.
class Hints {
 public:
  explicit Hints(env::Loop& loop) : loop_(loop) {}
  Hints(const Hints&) = delete;
  Hints& operator=(const Hints&) = delete;

  // `resource` is an id or ARN: "i-…", "vpc-…" (of what is in it), "arn:…:targetgroup/…", "asg:<name>".
  void publish(std::string resource) {
    loop_.post([this, resource = std::move(resource)] {
      for (const auto& listener : listeners_) listener(resource);
    });
  }
  // Listeners live as long as the Hints.
  void subscribe(std::function<void(std::string_view resource)> listener) { listeners_.push_back(std::move(listener)); }

 private:
  env::Loop& loop_;
  std::vector<std::function<void(std::string_view)>> listeners_;
};

// How long `time` really takes where it passes `scale` times faster; at least a second, the finest grain of metrics,
// unless it is zero.
inline std::chrono::seconds scaled(std::chrono::seconds time, double scale) {
  if (time.count() <= 0) return time;
  return std::chrono::seconds(std::max<std::int64_t>(1, std::llround(double(time.count()) / scale)));
}

struct Context {
  env::Env& env;
  store::Store& store;
  Hints& hints;
  std::string region;
  // Periods, warm-ups and cooldowns pass this many times faster than they say (`brume start --time-scale`): for people
  // who try out a stack's rules. Timestamps are real ones.
  double time_scale = 1;

  [[nodiscard]] std::chrono::seconds scaled(std::chrono::seconds time) const {
    return services::scaled(time, time_scale);
  }

  // For calls that a service makes of its own accord.
  [[nodiscard]] aws::Call call(std::string_view service) const {
    return {.region = region,
            .request_id = env.random.uuid(),
            .principal_arn = "arn:aws:iam::" + std::string(aws::kAccount) + ":root",
            .user_id = std::string(service) + ".amazonaws.com"};
  }
};

}  // namespace brume::services
