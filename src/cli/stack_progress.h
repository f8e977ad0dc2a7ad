// A stack's events, printed as they come, until it rests.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/live_line.h"

namespace brume::cli {

class StackProgress {
 public:
  StackProgress(Session& session, std::string stack) : session_(session), stack_(std::move(stack)) {}

  // What happened before does not count.
  void skip() { (void)fresh(); }
  // Blocks until the stack rests, whatever becomes of the daemon meanwhile; the status in which it does.
  Result<std::string> follow();
  // "Listener: Port 80 is in use by …": the first resource that failed; empty if none did.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  void note(const cloudformation::StackEvent& event);
  // Events not seen yet, oldest first.
  Result<std::vector<cloudformation::StackEvent>> fresh();

  Session& session_;
  std::string stack_, failure_;
  std::set<std::string> seen_;
  LiveLine line_;
};

// Ids of a stack's resources of one type ("AWS::AutoScaling::AutoScalingGroup").
Result<std::vector<std::string>> resources_of(Session& session, const std::string& stack, std::string_view type);

}  // namespace brume::cli
