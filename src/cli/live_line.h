// Lines that stay, and below them, on a terminal, one that tells what is going on and is written over.
//
// Elsewhere (a file, a pipe) there are only the lines that stay, so that a log has each thing once.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace brume::cli {

class LiveLine {
 public:
  LiveLine();
  // What was going on is over: nothing of it is left on the terminal.
  ~LiveLine() { wipe(); }
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  void say(std::string_view line);
  // With the time since the LiveLine was made, cut off where the terminal ends. Call it again as time goes by.
  void meanwhile(std::string_view text);

 private:
  void wipe();

  bool terminal_ = false, shown_ = false;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

// "0:07", "12:40". Pure.
std::string elapsed(std::chrono::seconds time);

}  // namespace brume::cli
