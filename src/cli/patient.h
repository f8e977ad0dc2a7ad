// Questions to a daemon that may be starting again.
#pragma once

#include <chrono>
#include <thread>

#include "base/result.h"

namespace brume::cli {

// Asks, and asks again while nobody answers, for at most a minute: what the daemon was told goes on once it is back.
// For calls that change nothing. Error then: EndpointConnectionError.
template <typename Ask>
auto patiently(Ask&& ask) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (true) {
    auto answer = ask();
    if (answer || answer.error().code != "EndpointConnectionError" || std::chrono::steady_clock::now() >= end)
      return answer;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

}  // namespace brume::cli
