// What has to happen next to an instance: a pure function of its record and what the machine says.
//
// Each step either changes the machine (start, stop, destroy) or the record (the others), and after it the function is
// asked again. So a crash between any two steps is the same as asking once more.
#pragma once

#include "base/time.h"
#include "services/ec2/instance_record.h"

namespace brume::ec2 {

// Of one instance, as far as is known.
struct ObservedInstance {
  bool exists = false;  // there is a disk
  bool running = false;
  bool network = true;  // its namespace may be there
};

enum class Step : std::uint8_t {
  none,
  start,            // ensure the network, then run it
  stop,             // ask it to end, kill it after a while
  destroy,          // remove it from the machine
  remove_network,   // remove its namespace; its interfaces stay in the tables until that is done
  mark_running,     // pending → running; ends a reboot
  mark_restarting,  // a reboot's stop is done
  mark_stopped,     // stopping → stopped
  mark_ended,       // running → stopped or shutting-down: it ended by itself
  mark_terminated,  // shutting-down → terminated; its interfaces go
  forget,           // a terminated instance has been visible for long enough
};

// How long DescribeInstances shows a terminated instance (EC2 user guide: "a short interval", in practice an hour).
inline constexpr std::chrono::hours kTerminatedVisible{1};

Step next_step(const InstanceRecord& record, ObservedInstance observed, Timestamp now);

}  // namespace brume::ec2
