// `--name value` pairs, and after `--` the rest: what the benchmark programs are called with.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "measure.h"

namespace brume::bench {

class Arguments {
 public:
  Arguments(int argc, char** argv) {
    int at = 1;
    for (; at < argc && std::string(argv[at]) != "--"; at += 2) {
      if (!std::string(argv[at]).starts_with("--") || at + 1 == argc)
        give_up(std::string("not --name value: ") + argv[at]);
      named_[argv[at] + 2] = argv[at + 1];
    }
    for (++at; at < argc; ++at) rest.emplace_back(argv[at]);
  }
  // Gives up if it is absent.
  [[nodiscard]] std::string get(const std::string& name) const {
    const auto found = named_.find(name);
    if (found == named_.end()) give_up("--" + name + " is missing");
    return found->second;
  }
  [[nodiscard]] std::string get(const std::string& name, const std::string& fallback) const {
    const auto found = named_.find(name);
    return found == named_.end() ? fallback : found->second;
  }
  [[nodiscard]] int number(const std::string& name) const { return std::stoi(get(name)); }

  std::vector<std::string> rest;

 private:
  std::map<std::string, std::string> named_;
};

}  // namespace brume::bench
