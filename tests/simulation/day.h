// A day of many groups: load that rises and falls, alarms and policies that follow it, instances that die.
//
// All of it follows from the seed: two days of one seed and size commit the same changes in the same order (trace()).
// Groups have basic monitoring, EC2 health checks, and a step policy each way on their average CPU by five minutes; the
// load of each is a sine of a day with a phase of its own, shared out evenly over its instances.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "world.h"

namespace brume::simulation {

class Day {
 public:
  // `groups` over `regions`, of ten instances each at mean load. Returns when all of them run.
  Day(std::uint64_t seed, int groups, int regions);
  void run_for(std::chrono::minutes time);

  struct Counts {
    std::uint64_t starts = 0, killed = 0;         // instances
    std::uint64_t decisions = 0;                  // changes of a desired capacity by a policy
    std::uint64_t events = 0, commits = 0;        // of the loop, of the store
    std::uint64_t metrics = 0;                    // that CloudWatch has
    int smallest = 0, greatest = 0, missing = 0;  // sizes of groups now, instances that are not in service
  };
  [[nodiscard]] Counts counts();
  // A hash of all that was ever committed, in its order.
  [[nodiscard]] std::uint64_t trace() const { return world.disk.trace; }

  World world;

 private:
  struct Group {
    std::string region, name;
    double phase = 0;  // of its load, in radians
    std::vector<std::string> instances;
  };
  void fill(const std::string& region, int groups);
  void put_policies(daemon::Cloud::Region& region, const std::string& group);
  void see_instances();
  void share_load();
  void kill_some();

  env::SimRandom random_;
  std::vector<Group> groups_;
  std::map<std::pair<std::string, std::string>, std::size_t> number_of_;  // of a group, by region and name
  std::map<std::string, std::set<std::string>> changed_;                  // groups whose members did, by region
  std::uint64_t killed_ = 0;
  double due_ = 0;  // instances that are to die, in fractions
};

}  // namespace brume::simulation
