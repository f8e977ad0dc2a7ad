#include "compute/init/ssh_server.h"

#include <dirent.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "compute/init/authorized_keys.h"
#include "compute/init/children.h"
#include "compute/init/console.h"
#include "compute/init/metadata_client.h"
#include "compute/init/user_data.h"

namespace brume::init {
namespace {

constexpr const char* kServer = "/usr/sbin/sshd";
constexpr const char* kKeygen = "/usr/bin/ssh-keygen";
constexpr const char* kKeys = "/etc/ssh";
constexpr const char* kNotToBeRun = "/etc/ssh/sshd_not_to_be_run";
constexpr unsigned kPort = 22;
constexpr int kNoServer = 250;  // status of the preparation when there is nothing to start
constexpr double kLongestPause = 60;

void set_up_key(const LoginKey& login) {
  if (login.public_key.empty() || is_done(login.instance_id, "key")) return;
  const Account account = login_account(read_file("/etc/passwd"));
  const auto key = one_public_key(login.public_key);
  if (!key) return say("the key pair's public key is not one in OpenSSH's form; it is not set up");
  if (const std::string error = install_key(account, *key); !error.empty())
    return say("the key pair is not set up for %s: %s", account.name.c_str(), error.c_str());
  // Once: a key that the owner takes out stays out.
  if (!set_done(login.instance_id, "key")) say("cannot write to %s: %s", kFolder.c_str(), ::strerror(errno));
  say("%s may log in with the instance's key pair", account.name.c_str());
}

// Names of the host keys' files, private ones or public ones.
std::vector<std::string> host_keys(std::string_view suffix) {
  std::vector<std::string> out;
  DIR* folder = ::opendir(kKeys);
  if (!folder) return out;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (name.starts_with("ssh_host_") && name.ends_with(suffix))
      out.push_back(std::string(kKeys) + "/" + entry->d_name);
  }
  ::closedir(folder);
  std::ranges::sort(out);
  return out;
}

void print_host_keys() {
  const auto keys = host_keys("_key.pub");
  if (keys.empty()) return;
  const auto print = [](const std::string& text) {
    if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) return;
  };
  // In the form of cloud-init, which tools look for.
  print("-----BEGIN SSH HOST KEY FINGERPRINTS-----\n");
  for (const std::string& key : keys) run_program({kKeygen, "-l", "-f", key});
  print("-----END SSH HOST KEY FINGERPRINTS-----\n");
  std::string text = "-----BEGIN SSH HOST KEY KEYS-----\n";
  for (const std::string& key : keys) text += read_file(key);
  print(text + "-----END SSH HOST KEY KEYS-----\n");
}

// In a child.
[[noreturn]] void prepare_and_exit() {
  const auto login = read_login_key();
  const bool known = login && is_instance_id(login->instance_id);
  if (known)
    set_up_key(*login);
  else
    say("the metadata service does not answer; no key pair is set up");
  if (::access(kServer, X_OK) != 0) ::_exit(kNoServer);
  if (exists(kNotToBeRun)) {
    say("%s is not run: %s is there", kServer, kNotToBeRun);
    ::_exit(kNoServer);
  }
  if (::access(kKeygen, X_OK) != 0) {
    if (host_keys("_key").empty()) say("there are no host keys, and no %s to make some", kKeygen);
  } else {
    // Keys that came with the image are the same in every instance of it: who has one of them could pose as all.
    const bool first = known && !is_done(login->instance_id, "host-keys");
    if (first)
      for (const char* suffix : {"_key", "_key.pub"})
        for (const std::string& key : host_keys(suffix)) ::unlink(key.c_str());
    // Primes take their time; the user data's goes first.
    ::setpriority(PRIO_PROCESS, 0, 10);
    if (run_program({kKeygen, "-A"}) != 0) say("some host keys could not be made");
    if (first) set_done(login->instance_id, "host-keys");
    print_host_keys();
  }
  ::mkdir("/run", 0755);
  ::mkdir("/run/sshd", 0755);
  ::_exit(0);
}

}  // namespace

bool listens(std::string_view table, unsigned port) {
  // "   0: 00000000:0016 00000000:0000 0A …": hexadecimal; state 0A is TCP_LISTEN.
  char wanted[8];
  static constexpr char kDigits[] = "0123456789ABCDEF";
  for (int i = 0; i < 4; ++i) wanted[i] = kDigits[(port >> (12 - 4 * i)) & 15];
  const std::string_view hex(wanted, 4);
  while (!table.empty()) {
    std::string_view line = table.substr(0, table.find('\n'));
    table.remove_prefix(std::min(table.size(), line.size() + 1));
    std::string_view words[4];
    for (std::string_view& word : words) {
      line.remove_prefix(std::min(line.size(), line.find_first_not_of(' ')));
      word = line.substr(0, line.find(' '));
      line.remove_prefix(word.size());
    }
    const std::size_t colon = words[1].rfind(':');
    if (words[3] == "0A" && colon != std::string_view::npos && words[1].substr(colon + 1) == hex) return true;
  }
  return false;
}

double next_pause(double pause, double ran) {
  if (pause <= 0 || ran >= kLongestPause) return 1;
  return std::min(pause * 2, kLongestPause);
}

void SshServer::prepare() {
  preparation_ = fork_child();
  if (preparation_ == 0) prepare_and_exit();
}

bool SshServer::ended(pid_t pid, int status) {
  if (pid == preparation_) {
    preparation_ = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
      start();
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != kNoServer)
      tell_end("the preparation of SSH", status);
    return true;
  }
  if (pid != server_) return false;
  server_ = 0;
  tell_end(kServer, status);
  pause_ = next_pause(pause_, seconds() - began_);
  start_at_ = seconds() + pause_;
  return true;
}

void SshServer::start() {
  start_at_ = -1;
  if (listens(read_file("/proc/net/tcp"), kPort) || listens(read_file("/proc/net/tcp6"), kPort))
    return say("port %u is served already; %s is left to whoever does", kPort, kServer);
  began_ = seconds();
  server_ = fork_child();
  // In the foreground, so that its end is seen; its log is the console's.
  if (server_ == 0) become({kServer, "-D", "-e"});
  if (server_ > 0) return say("%s runs", kServer);
  server_ = 0;
  pause_ = next_pause(pause_, 0);
  start_at_ = seconds() + pause_;
}

double SshServer::due() const {
  return start_at_ < 0 ? -1 : std::max(0.0, start_at_ - seconds());
}

void SshServer::tick() {
  if (start_at_ >= 0 && due() <= 0) start();
}

}  // namespace brume::init
