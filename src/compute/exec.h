// Programs run inside an instance that runs: what `brume exec` is made of.
//
// Beside driver.h, since it keeps nothing: a program ends with the object that stands for it, with the instance, and
// with the daemon. Implementations: OciExec (oci_exec.h), SimExec (sim_exec.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/fd.h"

namespace brume::compute {

struct ExecSpec {
  std::vector<std::string> command;  // empty: the user's shell, as at a login
  std::string user;                  // a name or a uid of the instance; empty: root
  std::string terminal;              // its type ("xterm"); empty: no terminal
  unsigned rows = 24, columns = 80;  // of the terminal
};

class ExecProcess {
 public:
  // Ends the program if it runs: it is told (SIGHUP), and killed with its process group two seconds later.
  virtual ~ExecProcess() = default;

  // The program's standard input, output and error; non-blocking, the caller's. With a terminal, input and output are
  // the terminal's and there is no error; reading it fails with EIO at the end. All that the program wrote can be read
  // when its end is told.
  env::Fd input, output, errors;

  virtual void resize(unsigned rows, unsigned columns) = 0;
  // SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1 or SIGUSR2; others are passed over.
  virtual void signal(int number) = 0;
  // Called on the loop, once: 0–255, 128 + signal, 127 if the program is not there and 126 if it may not be run (what
  // the runtime says of that is in the error output). Set it before control goes back to the loop.
  std::function<void(int status)> ended;
};

class Executor {
 public:
  using Started = std::function<void(Result<std::unique_ptr<ExecProcess>>)>;
  virtual ~Executor() = default;
  // On the loop; calls back there. Errors: IncorrectInstanceState (it does not run), InvalidParameterValue (no such
  // user), InternalFailure.
  virtual void exec(const std::string& instance_id, const ExecSpec& spec, Started started) = 0;
};

}  // namespace brume::compute
