// What a root who wants out of an instance tries, for isolation_test.cc: static, run inside.
//
//   escapes all PID PORT SOCKET   PID: a process of the machine's, PORT: a TCP port on the machine's 127.0.0.1, SOCKET:
//                                 an abstract socket of its. One line an attempt, "<what>: <how the kernel refused>";
//                                 DONE if it did not. Does nothing in the machine's user namespace.
//   escapes who                   effective ids and capabilities
//   escapes allow FILE            gives the file CAP_NET_BIND_SERVICE
//   escapes crowd                 threads until there is room for no more
#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/route.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

namespace {

// `result` is a system call's: below zero, errno says why.
void tell(const char* what, long result) {
  const int error = errno;
  std::printf("%s: %s\n", what, result < 0 ? strerrorname_np(error) : "DONE");
}

template <typename... Args>
void call(const char* what, long number, Args... arguments) {
  tell(what, ::syscall(number, arguments...));
}

// What an attempt begins with.
int needed_fd(int fd) {
  if (fd >= 0) return fd;
  std::perror("cannot even begin");
  std::exit(1);
}

std::string content(const std::string& path) {
  char buffer[4096];
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const ssize_t n = fd < 0 ? 0 : ::read(fd, buffer, sizeof buffer);
  if (fd >= 0) ::close(fd);
  return {buffer, n > 0 ? std::size_t(n) : 0};
}

// What is there already, unless it is told. Opening what cannot even be opened is a refusal as well.
void write_to(const std::string& path, std::string text = "") {
  if (text.empty()) text = content(path);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  tell(("write " + path).c_str(), fd < 0 ? -1 : ::write(fd, text.data(), text.size()));
  if (fd >= 0) ::close(fd);
}

// EOF: there is nothing in it, as in a masked file.
void read_from(const std::string& path) {
  char buffer[64];
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const ssize_t n = fd < 0 ? -1 : ::read(fd, buffer, sizeof buffer);
  if (n == 0)
    std::printf("read %s: EOF\n", path.c_str());
  else
    tell(("read " + path).c_str(), n);
  if (fd >= 0) ::close(fd);
}

void devices() {
  const struct {
    const char* what;
    mode_t kind;
    unsigned major, minor;
  } devices[] = {{"make /dev/mem", S_IFCHR, 1, 1},      {"make /dev/kmsg", S_IFCHR, 1, 11},
                 {"make /dev/kvm", S_IFCHR, 10, 232},   {"make a disk", S_IFBLK, 254, 0},
                 {"make a loop device", S_IFBLK, 7, 0}, {"make a whiteout", S_IFCHR, 0, 0}};
  for (const auto& device : devices)
    tell(device.what, ::mknod("/tmp/device", device.kind | 0600, ::makedev(device.major, device.minor)));
  for (const char* path : {"/dev/mem", "/dev/kmsg", "/dev/kvm", "/dev/fuse", "/dev/vsock", "/dev/vda", "/dev/net/tun"})
    tell((std::string("open ") + path).c_str(), ::open(path, O_RDWR | O_CLOEXEC));
}

void mounts() {
  tell("mount a tmpfs", ::mount("x", "/tmp", "tmpfs", 0, nullptr));
  tell("mount a proc", ::mount("x", "/tmp", "proc", 0, nullptr));
  tell("bind /", ::mount("/", "/tmp", nullptr, MS_BIND, nullptr));
  tell("make /proc/sys writable", ::mount(nullptr, "/proc/sys", nullptr, MS_REMOUNT | MS_BIND, nullptr));
  tell("make /sys writable", ::mount(nullptr, "/sys", nullptr, MS_REMOUNT, nullptr));
  tell("uncover /proc/kcore", ::umount2("/proc/kcore", MNT_DETACH));
  tell("open a file system", ::fsopen("proc", 0));
  tell("clone a mount", ::open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE));
  mount_attr attributes{};
  attributes.attr_clr = MOUNT_ATTR_RDONLY;
  tell("change a mount", ::mount_setattr(AT_FDCWD, "/proc/sys", 0, &attributes, sizeof attributes));
  call("pivot_root", SYS_pivot_root, "/tmp", "/tmp");
}

void namespaces() {
  const struct {
    const char* what;
    unsigned long flag;
  } kinds[] = {{"user", CLONE_NEWUSER}, {"network", CLONE_NEWNET}, {"mount", CLONE_NEWNS},
               {"pid", CLONE_NEWPID},   {"uts", CLONE_NEWUTS},     {"cgroup", CLONE_NEWCGROUP}};
  for (const auto& kind : kinds) {
    call((std::string("unshare ") + kind.what).c_str(), SYS_unshare, kind.flag);
    const long child = ::syscall(SYS_clone, kind.flag | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) ::_exit(0);
    tell((std::string("clone into a new ") + kind.what).c_str(), child);
  }
  struct {
    std::uint64_t flags, rest[10];
  } clone3{CLONE_NEWUSER, {}};
  call("clone3", SYS_clone3, &clone3, sizeof clone3);
  const int space = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  tell("enter a namespace", ::setns(space, 0));
  write_to("/proc/self/uid_map", "0 0 4294967295\n");
  write_to("/proc/1/uid_map", "0 0 4294967295\n");
}

void kernel() {
  call("load a module", SYS_init_module, "", 0, "");
  call("load a module file", SYS_finit_module, 0, "", 0);
  call("remove a module", SYS_delete_module, "x", 0);
  call("load a kernel", SYS_kexec_load, 0, 0, nullptr, 0);
  call("reboot", SYS_reboot, 0xfee1dead, 672274793, 0, nullptr);  // 0: nothing that would be done
  call("swap", SYS_swapon, "/tmp", 0);
  call("accounting", SYS_acct, nullptr);
  call("quotas", SYS_quotactl, 0, nullptr, 0, nullptr);
  call("bpf", SYS_bpf, 0, nullptr, 0);
  call("perf_event_open", SYS_perf_event_open, nullptr, 0, -1, -1, 0);
  call("userfaultfd", SYS_userfaultfd, 0);
  call("io_uring_setup", SYS_io_uring_setup, 1, nullptr);
  call("a keyring", SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
  call("a key", SYS_add_key, "user", "x", "x", 1, KEY_SPEC_PROCESS_KEYRING);
  call("ask for a key", SYS_request_key, "user", "x", nullptr, 0);
  call("the kernel's log", SYS_syslog, 3, nullptr, 0);
#ifdef SYS_iopl
  call("ports of the processor", SYS_iopl, 3);
#endif
  call("compare processes", SYS_kcmp, 1, 1, 0, 0, 0);
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  call("set the clock", SYS_clock_settime, CLOCK_REALTIME, &now);
  timex slew{};
  slew.modes = ADJ_OFFSET;
  tell("slew the clock", ::adjtimex(&slew));
  call("set the host name", SYS_sethostname, "x", 1);
  call("set the domain name", SYS_setdomainname, "x", 1);
  call("a persona that makes memory executable", SYS_personality, 0x00400000);
}

void limits() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_max += 1;
  tell("raise a limit", ::setrlimit(RLIMIT_NOFILE, &limit));
  tell("a better priority", ::setpriority(PRIO_PROCESS, 0, -5));
  const sched_param real_time{1};
  tell("real time", ::sched_setscheduler(0, SCHED_FIFO, &real_time));
  call("real time for the disk", SYS_ioprio_set, 1, 0, 1 << 13);
  write_to("/proc/self/oom_score_adj", "-1000");
  for (const char* path : {"/sys/fs/cgroup/pids/pids.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes",
                           "/sys/fs/cgroup/memory/cgroup.procs", "/sys/fs/cgroup/cgroup.procs",
                           "/sys/fs/cgroup/unified/cgroup.procs", "/sys/fs/cgroup/pids.max"})
    write_to(path);
}

void files() {
  for (const char* path : {"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hostname",
                           "/proc/sys/net/ipv4/ip_forward", "/proc/sys/vm/overcommit_memory", "/proc/sysrq-trigger",
                           "/sys/kernel/uevent_helper", "/sys/class/net/lo/mtu"})
    write_to(path);
  for (const char* path : {"/proc/kcore", "/proc/kmsg", "/proc/keys", "/proc/timer_list", "/proc/sched_debug",
                           "/sys/firmware/dmi", "/sys/kernel/debug/sched", "/sys/kernel/security/lsm"})
    read_from(path);
  // Every file of a file system has a handle; the root folder's is known.
  struct {
    file_handle head;
    unsigned inode[2];
  } root{};
  root.head.handle_bytes = 8;
  root.head.handle_type = 1;
  root.inode[0] = 2;
  const int here = ::open("/etc/hostname", O_RDONLY | O_CLOEXEC);
  call("open a file by its handle", SYS_open_by_handle_at, here, &root, O_RDONLY);
  // The classic way out of a chroot, which leads to the instance's root.
  struct stat before{}, after{};
  ::stat("/", &before);
  ::mkdir("/tmp/jail", 0700);
  const int outside = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (::fork() == 0) {
    bool out = ::chroot("/tmp/jail") == 0 && ::fchdir(outside) == 0;
    for (int i = 0; i < 64 && out; ++i) out = ::chdir("..") == 0;
    out = out && ::chroot(".") == 0 && ::stat("/", &after) == 0;
    std::printf("break out of a chroot: %s\n", !out ? "FAILED"
                                               : after.st_ino == before.st_ino && after.st_dev == before.st_dev
                                                   ? "OWN ROOT"
                                                   : "DONE");
    std::fflush(stdout);
    ::_exit(0);
  }
  ::wait(nullptr);
}

void sockets() {
  const struct {
    const char* what;
    long family, kind, protocol;
  } kinds[] = {{"a socket of the hypervisor", AF_VSOCK, SOCK_STREAM, 0},
               {"a socket of the hypervisor, in disguise", 0x100000000 | AF_VSOCK, SOCK_STREAM, 0},
               {"a socket of the kernel's cryptography", AF_ALG, SOCK_SEQPACKET, 0},
               {"a packet socket", AF_PACKET, SOCK_RAW, 0x300},
               {"a key socket", AF_KEY, SOCK_RAW, 2},
               {"a Bluetooth socket", AF_BLUETOOTH, SOCK_RAW, 1},
               {"a raw socket", AF_INET, SOCK_RAW, IPPROTO_RAW},
               {"a raw ICMP socket", AF_INET, SOCK_RAW, IPPROTO_ICMP}};
  for (const auto& kind : kinds) call(kind.what, SYS_socket, kind.family, kind.kind, kind.protocol);
}

// What services need, tried beside what they do not, so that a refusal is known to be for the right reason.
void needed() {
  sockaddr_in low{};
  low.sin_family = AF_INET;
  low.sin_port = htons(81);
  low.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int tcp = needed_fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  tell("bind a low port", ::bind(tcp, reinterpret_cast<sockaddr*>(&low), sizeof low));
  tell("a ping socket", ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP));
  tell("a local socket", ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  tell("a netlink socket", ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  tell("open /dev/null", ::open("/dev/null", O_RDWR | O_CLOEXEC));
  tell("make a pipe with a name", ::mkfifo("/tmp/pipe", 0600));
  const int file = needed_fd(::open("/tmp/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  tell("give a file away", ::fchown(file, 1000, 1000));
  if (const pid_t child = ::fork(); child == 0) {
    ::raise(SIGSTOP);
    ::_exit(0);
  } else {
    ::waitpid(child, nullptr, WUNTRACED);
    tell("trace a child", ::ptrace(PTRACE_SEIZE, child, nullptr, nullptr));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  // Programs that ask for what is newer than the filter go on without.
  call("a call of the future", 4000);
  call("a newer chmod", 452, AT_FDCWD, "/nowhere", 0600, 0);  // fchmodat2
  if (::fork() == 0) {
    tell("be another user", ::setgroups(0, nullptr) == 0 && ::setgid(33) == 0 ? ::setuid(33) : -1);
    ::_exit(0);
  }
  ::wait(nullptr);
}

void network(int port, const char* abstract_name) {
  const int udp = needed_fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  sockaddr_in foreign{};
  foreign.sin_family = AF_INET;
  ::inet_pton(AF_INET, "10.99.0.9", &foreign.sin_addr);
  tell("bind another's address", ::bind(udp, reinterpret_cast<sockaddr*>(&foreign), sizeof foreign));
  tell("be transparent", ::setsockopt(udp, SOL_IP, IP_TRANSPARENT, &yes, sizeof yes));
  tell("mark packets", ::setsockopt(udp, SOL_SOCKET, SO_MARK, &yes, sizeof yes));
  sockaddr_in metadata = foreign;
  metadata.sin_port = htons(80);
  ::inet_pton(AF_INET, "169.254.169.254", &metadata.sin_addr);
  const int other = needed_fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  tell("send from its own address",
       ::sendto(other, "x", 1, 0, reinterpret_cast<sockaddr*>(&metadata), sizeof metadata));
  // Everybody may bind what is not there yet; but not send from it.
  ::setsockopt(udp, SOL_IP, IP_FREEBIND, &yes, sizeof yes);
  const bool bound = ::bind(udp, reinterpret_cast<sockaddr*>(&foreign), sizeof foreign) == 0;
  tell("send from another's address",
       bound ? ::sendto(udp, "x", 1, 0, reinterpret_cast<sockaddr*>(&metadata), sizeof metadata) : -1);
  ifreq device{};
  ::strcpy(device.ifr_name, "lo");
  device.ifr_flags = 0;
  tell("take a link down", ::ioctl(udp, SIOCSIFFLAGS, &device));
  ::memcpy(&device.ifr_addr, &foreign, sizeof foreign);
  tell("take an address", ::ioctl(udp, SIOCSIFADDR, &device));
  rtentry route{};
  route.rt_dst.sa_family = route.rt_genmask.sa_family = AF_INET;
  route.rt_flags = RTF_UP;
  char lo[] = "lo";
  route.rt_dev = lo;
  tell("add a route", ::ioctl(udp, SIOCADDRT, &route));
  const int rules = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  struct {
    nlmsghdr head;
    ifinfomsg link;
  } request{};
  request.head = {sizeof request, RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, 1, 0};
  struct {
    nlmsghdr head;
    nlmsgerr error;
    char rest[256];
  } answer{};
  const bool asked =
      rules >= 0 && ::send(rules, &request, sizeof request, 0) > 0 && ::recv(rules, &answer, sizeof answer, 0) > 0;
  errno = asked ? -answer.error.error : errno;
  tell("make a link", errno != 0 ? -1 : 0);

  const int tcp = needed_fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in machine{};
  machine.sin_family = AF_INET;
  machine.sin_port = htons(std::uint16_t(port));
  machine.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  tell("connect to the machine's loopback", ::connect(tcp, reinterpret_cast<sockaddr*>(&machine), sizeof machine));
  const int local = needed_fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  ::strncpy(name.sun_path + 1, abstract_name, sizeof name.sun_path - 2);
  tell("connect to an abstract socket of the machine's",
       ::connect(local, reinterpret_cast<sockaddr*>(&name),
                 socklen_t(offsetof(sockaddr_un, sun_path) + 1 + ::strlen(abstract_name))));
}

void processes(pid_t outside) {
  tell("signal a process of the machine's", ::kill(outside, 0));
  tell("trace a process of the machine's", ::ptrace(PTRACE_SEIZE, outside, nullptr, nullptr));
  tell("open a process of the machine's", ::syscall(SYS_pidfd_open, outside, 0));
}

// As the machine's root, much of this would succeed.
bool is_in_a_user_namespace() {
  unsigned long inside = 0, outside = 0, size = 0;
  FILE* map = std::fopen("/proc/self/uid_map", "re");
  const bool read = map && std::fscanf(map, "%lu %lu %lu", &inside, &outside, &size) == 3;
  if (map) std::fclose(map);
  return read && outside != 0;
}

void* wait_for_ever(void*) {
  for (;;) ::pause();
}

int crowd() {
  pthread_attr_t small;
  ::pthread_attr_init(&small);
  ::pthread_attr_setstacksize(&small, 16384);
  int threads = 0, error = 0;
  for (pthread_t thread; (error = ::pthread_create(&thread, &small, wait_for_ever, nullptr)) == 0;) ++threads;
  std::printf("%d %s\n", threads, strerrorname_np(error));
  return 0;
}

// File capabilities, as setcap(8) writes them.
int allow(const char* path) {
  const vfs_cap_data bind_service{VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, {{1U << CAP_NET_BIND_SERVICE, 0}, {}}};
  tell("allow", ::setxattr(path, "security.capability", &bind_service, sizeof bind_service, 0));
  return 0;
}

int who() {
  const std::string status = content("/proc/self/status");
  const std::size_t at = status.find("CapEff:\t");
  std::printf("%u %u %s\n", ::geteuid(), ::getegid(), status.substr(at + 8, 16).c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "who") return who();
  if (what == "crowd") return crowd();
  if (what == "allow" && argc > 2) return allow(argv[2]);
  if (what != "all" || argc < 5 || !is_in_a_user_namespace()) {
    std::fprintf(stderr, "not in a user namespace, or not told what to do: nothing is tried\n");
    return 1;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  needed();
  devices();
  mounts();
  namespaces();
  kernel();
  limits();
  files();
  sockets();
  network(std::atoi(argv[3]), argv[4]);
  processes(std::atoi(argv[2]));
  return 0;
}
