#include "compute/sim_exec.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <utility>

namespace brume::compute {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::pair<env::Fd, env::Fd> make_pipe() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return {};
  return {env::Fd(ends[0]), env::Fd(ends[1])};
}

// A pipe that holds `text` and then ends.
env::Fd holding(const std::string& text) {
  auto [read, write] = make_pipe();
  if (::write(write.get(), text.data(), text.size()) < 0) return {};
  return std::move(read);
}

}  // namespace

class SimExec::Process : public ExecProcess {
 public:
  explicit Process(SimExec& world) : world_(world) {}
  ~Process() override {
    if (*runs_) world_.events.emplace_back("abandoned");
    *runs_ = false;
  }
  void resize(unsigned rows, unsigned columns) override {
    world_.events.push_back(fmt::format("resize {}x{}", rows, columns));
  }
  void signal(int number) override {
    world_.events.push_back(fmt::format("signal {}", number));
    end(128 + number);
  }
  void end(int status) {
    world_.env_.loop.post([this, runs = runs_, status] {
      // Taken out first: it may end us.
      if (std::exchange(*runs, false) && ended) std::exchange(ended, nullptr)(status);
    });
  }

  env::Fd typed;  // where what is written to `input` arrives

 private:
  SimExec& world_;
  std::shared_ptr<bool> runs_ = std::make_shared<bool>(true);
};

void SimExec::exec(const std::string& instance_id, const ExecSpec& spec, Started started) {
  env_.loop.after(latency, [this, instance_id, spec, started = std::move(started)] {
    events.push_back(fmt::format("start {} {}", instance_id, joined(spec.command)));
    const Result<Program> does = program ? program(instance_id, spec) : Program{.output = joined(spec.command) + "\n"};
    if (!does) return started(std::unexpected(does.error()));
    auto process = std::make_unique<Process>(*this);
    std::tie(process->typed, process->input) = make_pipe();
    process->output = holding(does->output);
    if (spec.terminal.empty()) process->errors = holding(does->errors);
    if (does->status) process->end(*does->status);
    started(std::move(process));
  });
}

}  // namespace brume::compute
