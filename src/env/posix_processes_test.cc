#include "env/posix_processes.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <utility>

#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

namespace brume::env {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;

// A child that does nothing until it is killed.
pid_t idle_child() {
  const pid_t pid = ::fork();
  if (pid == 0)
    while (true) ::pause();
  return pid;
}

TEST(PosixProcesses, WatchTellsHowAChildEnds) {
  asio::io_context io{1};
  PosixProcesses processes(io);
  const pid_t child = idle_child();
  std::optional<int> status;
  processes.watch(child, [&](int s) { status = s; });
  ASSERT_TRUE(processes.kill(child, SIGKILL));
  io.run();
  EXPECT_EQ(status, 128 + SIGKILL);
  EXPECT_FALSE(processes.alive(child, 0));
}

// Of two descriptors that are ready in the same turn of the reactor, the first to be handled closes the other and
// begins a watch, which then takes the other's place in the reactor, wake-up and all.
TEST(PosixProcesses, WatchIsNotWokenByADescriptorThatWasClosed) {
  asio::io_context io{1};
  PosixProcesses processes(io);
  const pid_t child = idle_child();
  std::optional<int> status;
  std::unique_ptr<Descriptor> readable[2];
  int writers[2];
  bool watched = false;
  for (int i = 0; i < 2; ++i) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    readable[i] = std::make_unique<Descriptor>(io, ends[0]);
    writers[i] = ends[1];
    readable[i]->async_wait(Descriptor::wait_read, [&, i](const boost::system::error_code& error) {
      if (error || std::exchange(watched, true)) return;
      readable[1 - i]->close();
      processes.watch(child, [&](int s) { status = s; });
    });
  }
  for (const int writer : writers) ASSERT_EQ(::write(writer, "x", 1), 1);
  while (io.poll_one() > 0) {
  }
  ASSERT_TRUE(watched);
  EXPECT_FALSE(status) << "the child lives";
  ASSERT_TRUE(processes.kill(child, SIGKILL));
  io.run();
  EXPECT_TRUE(status);
  for (const int writer : writers) ::close(writer);
  ::waitpid(child, nullptr, WNOHANG);
}

}  // namespace
}  // namespace brume::env
