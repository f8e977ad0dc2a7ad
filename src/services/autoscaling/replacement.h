// How many instances may be replaced at once: the range in which a group's capacity may move while it replaces
// instances that it could keep.
//
// Pure; sizes and instances are in capacity units. Used by instance refresh, by the maximum instance lifetime and,
// where the group has an instance maintenance policy, by health replacement. Sources: Auto Scaling user guide, "How an
// instance refresh works" and "Instance maintenance policies". Two ways to replace: *take out* at once, if what is
// ready then still reaches the floor (the gap is filled as any other), or *mark*, if there is room under the ceiling: a
// marked instance no longer counts, so another is launched, and it is taken out when that one is ready. Leaves to
// others: who is to be replaced, and why.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace brume::autoscaling {

struct Range {
  int floor = 0;    // this many are kept ready
  int ceiling = 0;  // at most this many pending or in service, marked ones included
  bool operator==(const Range&) const = default;
};

// `min_percent` 0 to 100, rounded up; `max_percent` 100 to 200, rounded down, but above 100 it allows at least one
// more, without which a small group could not launch before it terminates. Without that room one instance at a time is
// replaced however high the floor: a refresh of one instance is an outage, as with AWS. `largest` is what the heaviest
// instance counts.
Range replacement_range(int desired, int min_percent, int max_percent, int largest = 1);

struct Replaceable {
  std::string id;
  bool ready = false;    // serves: in service, healthy, warmed up
  bool failing = false;  // is known not to serve
  bool marked = false;
  int units = 1;
};

struct Replacements {
  std::vector<std::string> take_out, mark;
  bool operator==(const Replacements&) const = default;
};

// The next of `candidates`, marked ones first, else in their order. `ready` and `failing` count all of the group's
// instances that are pending or in service; `capacity` is how many those are or, if gaps are still to be filled, will
// be. At most `limit` units that are not marked yet are begun with, and the last instance of these whole.
//
// An instance that is neither ready nor failing (it starts, or its load balancer has just begun to look) costs nothing
// but is taken out only while the floor is kept: when no health is known, nothing is touched. One that fails is taken
// out when the others reach the floor, other failing ones counted as present: so replacements are not waited for that
// cannot be launched before it goes.
Replacements plan_replacements(const Range& range, int capacity, int ready, int failing,
                               std::span<const Replaceable> candidates, int limit);

}  // namespace brume::autoscaling
