// Programs inside instances through the OCI runtime's `exec`.
//
// A program gets what PID 1 of the instance has, capabilities, limits and refused calls, since the runtime takes them
// from the instance's bundle. The runtime's process stays between the program and us: it carries signals and the
// status. A second daemon ends what one that was killed has left (end_strays).
#pragma once

#include <memory>

#include "compute/exec.h"
#include "compute/init/accounts.h"
#include "compute/oci_instances.h"
#include "env/env.h"

namespace brume::compute {

class OciExec : public Executor {
 public:
  // As OciDriver's, which must outlive it as `env` does.
  OciExec(env::Env& env, const Paths& paths, const Settings& settings, Images& images);
  // Ends every program; blocks for half a second at most.
  ~OciExec() override;

  void exec(const std::string& instance_id, const ExecSpec& spec, Started started) override;
  // Kills what another OciExec on the same folders, now gone, has left running. Blocks briefly.
  void end_strays();

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

// The `process` of an instance's config.json, made into that of a program of this user. Pure. Error: InternalFailure.
Result<std::string> exec_process(std::string_view config, const ExecSpec& spec, const init::Account& account,
                                 const std::vector<gid_t>& groups, const std::string& folder);

}  // namespace brume::compute
