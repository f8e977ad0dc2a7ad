// What a session does, by its document and parameters (Session Manager user guide, "Session document schema"). Pure.
//
//   none, SSM-SessionManagerRunShell    root's shell on a terminal
//   AWS-StartSSHSession                 a connection to portNumber, by default 22
//   AWS-StartPortForwardingSession      a connection to portNumber, by default 80
//   Brume-StartCommand                  one program: `command`, a JSON list of its arguments; `user`; `terminal`, its
//   type
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ssm/api.h"

namespace brume::ssm {

struct SessionPlan {
  std::string document;
  std::optional<std::uint16_t> port;  // a connection to it, inside the instance; otherwise a program:
  std::vector<std::string> command;   // empty: the user's shell
  std::string user;                   // empty: root
  std::string terminal;               // its type; empty: none
};

// Errors: InvalidDocument, ValidationException.
Result<SessionPlan> plan_session(const StartSessionRequest& request);

}  // namespace brume::ssm
