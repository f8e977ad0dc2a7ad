// Lines for the console, one for each change: what stays as it is, is not said again.
#pragma once

#include <functional>
#include <map>
#include <string>

namespace brume::agent {

class Notices {
 public:
  explicit Notices(std::function<void(const std::string&)> say) : say_(std::move(say)) {}

  // Something is not as it should be.
  void trouble(const std::string& subject, const std::string& what) {
    std::string& known = troubles_[subject];
    if (known == what) return;
    known = what;
    say_(subject + ": " + what);
  }
  // Or is again. Says so only after a trouble.
  void well(const std::string& subject) {
    if (troubles_.erase(subject) > 0) say_(subject + ": works again");
  }
  void say(const std::string& line) { say_(line); }

 private:
  std::function<void(const std::string&)> say_;
  std::map<std::string, std::string> troubles_;
};

}  // namespace brume::agent
