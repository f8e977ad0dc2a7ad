#include "lb/run_lb.h"

#include <sys/resource.h>
#include <sys/signalfd.h>

#include <csignal>
#include <cstdio>

#include "lb/channel.h"
#include "lb/server.h"

namespace brume::lb {
namespace {

constexpr env::Duration kGrace = std::chrono::seconds(30);

class Signals final : public Watcher {
 public:
  Signals(const sigset_t& set, std::function<void()> on_signal)
      : fd_(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)), on_signal_(std::move(on_signal)) {}
  [[nodiscard]] int fd() const { return fd_.get(); }
  void on_events(std::uint32_t) override {
    signalfd_siginfo info;
    while (::read(fd_.get(), &info, sizeof info) == sizeof info) on_signal_();
  }

 private:
  env::Fd fd_;
  std::function<void()> on_signal_;
};

// Two descriptors a request: as many as we may have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int run_lb(const std::string& socket_path, unsigned threads) {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  raise_descriptor_limit();

  EventLoop loop;
  std::unique_ptr<Channel> channel;
  Server server(loop, {.threads = threads}, [&channel] {
    if (channel) channel->poke();
  });
  auto opened = Channel::open(
      loop, socket_path, [&server](const Snapshot& snapshot) { server.apply(snapshot); },
      [&server] { return server.stats(); });
  if (!opened) {
    std::fprintf(stderr, "brume lb: %s\n", opened.error().message.c_str());
    return 1;
  }
  channel = std::move(*opened);
  Signals signals(set, [&] { server.shut_down(kGrace, [&loop] { loop.stop(); }); });
  if (!loop.watch(signals.fd(), signals)) {
    std::fprintf(stderr, "brume lb: cannot watch signals\n");
    return 1;
  }
  loop.run();
  return 0;
}

}  // namespace brume::lb
