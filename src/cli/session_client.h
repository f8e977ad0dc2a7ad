// The client's end of a session: the terminal or the pipes that `brume` was started with, and a data channel.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace brume::cli {

// What is asked of SSM's StartSession.
struct SessionRequest {
  std::string instance_id, document;
  std::vector<std::pair<std::string, std::string>> parameters;
  bool terminal = false;  // ours takes part: raw, its size and the end of input told
};

// Starts a session and carries our standard input, output and error over it until it ends. Returns the program's exit
// status. Errors: the service's; SessionFailed, with what the daemon says; EndpointConnectionError.
Result<int> run_session(Session& session, const SessionRequest& request);
// The same with output into `output` (at most a megabyte), without input and error output.
Result<int> run_session(Session& session, const SessionRequest& request, std::string& output);

}  // namespace brume::cli
