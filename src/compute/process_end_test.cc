#include "compute/process_end.h"

#include <gtest/gtest.h>

namespace brume::compute {
namespace {

std::string line(std::initializer_list<const char*> arguments) {
  std::string out;
  for (const char* argument : arguments) out += std::string(argument) + '\0';
  return out;
}

TEST(ProcessEnd, OnlyTheProgramsThatWorkOnTheFolder) {
  const std::string folder = "/run/brume/instances/i-1";
  const struct {
    std::string command;
    bool about;
  } cases[] = {
      {line({"/usr/bin/conmon", "--bundle", "/run/brume/instances/i-1"}), true},
      {line({"conmon", "--bundle", "/run/brume/instances/i-1", "-x"}), true},
      {line({"/usr/sbin/runc", "--log=/run/brume/instances/i-1/runtime.log", "start", "i-1"}), true},
      {line({"conmon", "--bundle", "/run/brume/instances/i-12"}), false},
      {line({"conmon", "--bundle", "/other/run/brume/instances/i-1"}), false},
      {line({"tail", "-f", "/run/brume/instances/i-1/runtime.log"}), false},
      {line({"conmon", "i-1"}), false},
      {"", false},
  };
  for (const auto& c : cases) EXPECT_EQ(is_about(c.command, {"conmon", "runc"}, folder), c.about) << c.command;
}

}  // namespace
}  // namespace brume::compute
