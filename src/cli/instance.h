// `brume exec`, `brume ssh`, `brume tunnel` and `brume console`: into an instance, and what it prints.
//
// Subject to IAM (ssm:StartSession, ec2:GetConsoleOutput), not to security groups. They use the caller's keys where the
// environment has some for a Brume (`brume env`), else the owner's.
#pragma once

#include <string>
#include <vector>

#include "daemon/settings.h"

namespace brume::cli {

// An instance is named by its id or by its Name tag, if one running instance has that.
struct ExecOptions {
  std::string instance, user;
  std::vector<std::string> command;  // empty: a shell
  bool terminal = false;             // even if standard input is none
};
// Exit status: the program's.
int exec(const daemon::Settings& settings, const ExecOptions& options);

// `root`: as given with --root, for the `brume tunnel` that ssh starts. Does not return if ssh could be started.
int ssh(const daemon::Settings& settings, const std::string& root, const std::string& instance, std::string user,
        const std::vector<std::string>& arguments);
// Standard input and output to a TCP port of the instance.
int tunnel(const daemon::Settings& settings, const std::string& instance, const std::string& port);
// With `follow`, until it is interrupted or the instance is terminated.
int console(const daemon::Settings& settings, const std::string& instance, bool follow);

// What `now` has that is not in `before`, both being the last part of one text that grows. Pure.
std::string_view continuation(std::string_view before, std::string_view now);

}  // namespace brume::cli
