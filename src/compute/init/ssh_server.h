// The SSH server of an image that has one, and the instance's key pair.
//
// Each boot a child of its own, beside the user data, fetches the public key and puts it among the login account's
// (once an instance), gives the instance host keys of its own (once; later only those that are missing) and prints
// their fingerprints, as cloud-init does. Then /usr/sbin/sshd is run, and run again when it ends. It is left alone
// where /etc/ssh/sshd_not_to_be_run says so, or where somebody already listens on its port: then the image or the user
// data runs one.
#pragma once

#include <sys/types.h>

#include <string_view>

namespace brume::init {

// Does a socket listen on this TCP port? `table` as in /proc/net/tcp and tcp6. Pure.
bool listens(std::string_view table, unsigned port);
// How long to wait before a server is started again, in seconds: doubling from one to sixty, unless it ran for a
// minute. Pure.
double next_pause(double pause, double ran);

class SshServer {
 public:
  void prepare();
  // A child has ended. False if it is none of ours.
  bool ended(pid_t pid, int wait_status);
  // Seconds until tick() is to be called; negative: no need.
  [[nodiscard]] double due() const;
  void tick();

 private:
  void start();

  pid_t preparation_ = 0, server_ = 0;
  double began_ = 0, pause_ = 0;
  double start_at_ = -1;  // negative: not to be started
};

}  // namespace brume::init
