// Where the daemon keeps things and what it runs. From <config_dir>/brume.json, if there is one; all members optional.
#pragma once

#include <string>
#include <vector>

#include "base/reflect.h"
#include "base/result.h"
#include "env/files.h"

namespace brume::daemon {

struct Settings {
  std::string state_dir = "/var/lib/brume";
  std::string run_dir = "/run/brume";
  std::string config_dir = "/etc/brume";
  std::string region = "ap-southeast-1";  // what `brume env` and `brume up` use where the user names none
  std::int32_t api_port = 4566;           // on 127.0.0.1
  std::string runtime = "runc";           // any OCI runtime
  std::string conmon = "conmon";
  std::string init;             // brume-init; empty: beside this program
  std::int32_t lb_threads = 0;  // of the load balancer; 0: one a core
  // Ranges that public addresses come from. The host answers for loopback ones without more; of any other, the user
  // sees to it that its packets reach this host.
  std::vector<std::string> public_addresses = {"127.8.0.0/16"};
  // Periods of metrics and alarms, warm-ups and cooldowns pass so many times faster, 1 to 3600: to see in minutes what
  // a stack's rules do in hours. No period gets shorter than a second.
  double time_scale = 1;
  // MiB that instances may take together, by their types; 0: as the machine has it. Where an On-Demand launch does not
  // fit, Spot Instances give way.
  std::int64_t instance_memory_mib = 0;
  // Also record calls that only read, and succeed, in the log group /brume/audit.
  bool audit_reads = false;
  // Where services are that Brume does not have itself, by their names in signatures: "kinesis", "firehose", "lambda",
  // "s3" to "http://host:port" or "https://host:port". Calls are signed with the keys that outgoing_keys.h finds.
  Map<std::string> endpoints;
};

// Takes "kinesis=http://127.0.0.1:5000" in. Error: InvalidSettings for another service or form.
Result<void> add_endpoint(Settings& settings, std::string_view text);

// `root` moves the three folders: <root>/lib, <root>/run and <root>/etc; empty leaves them where they are.
// Errors: InvalidSettings, naming file and member.
Result<Settings> load_settings(const std::string& root);

// Makes the folders for state and for what runs. The state's is ours alone. Whoever is an instance's root, nobody on
// this machine, passes through the other one to its root file system, and sees nothing on the way.
Result<void> make_places(env::Files& files, const Settings& settings);

// The path of the running program.
std::string program_path();

}  // namespace brume::daemon

BRUME_RECORD(brume::daemon::Settings, state_dir, run_dir, config_dir, region, api_port, runtime, conmon, init,
             lb_threads, public_addresses, time_scale, instance_memory_mib, audit_reads, endpoints)
