#include "compute/allowed_calls.h"

#include <linux/personality.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string_view>

#include <fmt/format.h>

namespace brume::compute {
namespace {

// By what they are about; those of 64-bit machines. A name that this machine's libseccomp does not know is passed over
// by the runtime; calls that are newer than all that it knows then fail with ENOSYS, which programs take for an older
// kernel.
constexpr std::string_view kCalls =
    // Files: open, read, write.
    "open openat openat2 creat close close_range read write readv writev pread64 pwrite64 preadv pwritev preadv2 "
    "pwritev2 lseek dup dup2 dup3 pipe pipe2 fcntl flock ioctl splice tee vmsplice sendfile copy_file_range "
    "fallocate fadvise64 readahead sync syncfs fsync fdatasync sync_file_range truncate ftruncate cachestat "
    // Their names, owners and attributes.
    "access faccessat faccessat2 stat lstat fstat newfstatat statx statfs fstatfs chmod fchmod fchmodat fchmodat2 "
    "chown lchown fchown fchownat umask utime utimes futimesat utimensat link linkat symlink symlinkat readlink "
    "readlinkat unlink unlinkat rename renameat renameat2 mkdir mkdirat rmdir mknod mknodat getdents getdents64 "
    "getcwd chdir fchdir chroot name_to_handle_at setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr "
    "listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr setxattrat getxattrat listxattrat "
    "removexattrat "
    // Waiting for many.
    "poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd "
    "eventfd2 signalfd signalfd4 timerfd_create timerfd_settime timerfd_gettime inotify_init inotify_init1 "
    "inotify_add_watch inotify_rm_watch io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents "
    // Sockets; which, is told below.
    "bind connect listen accept accept4 getsockname getpeername getsockopt setsockopt shutdown sendto sendmsg "
    "sendmmsg recvfrom recvmsg recvmmsg "
    // Memory.
    "brk mmap munmap mremap mprotect madvise mincore msync mlock mlock2 mlockall munlock munlockall "
    "remap_file_pages membarrier memfd_create memfd_secret mseal map_shadow_stack pkey_alloc pkey_free "
    "pkey_mprotect process_mrelease "
    // Processes and threads; clone is told below.
    "fork vfork execve execveat exit exit_group wait4 waitid kill tkill tgkill pidfd_open pidfd_send_signal getpid "
    "getppid gettid getpgrp getpgid setpgid getsid setsid set_tid_address set_robust_list get_robust_list futex "
    "futex_waitv futex_wait futex_wake futex_requeue rseq arch_prctl prctl modify_ldt set_thread_area "
    "get_thread_area sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam "
    "sched_setparam sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min "
    "sched_rr_get_interval getpriority setpriority ioprio_get ioprio_set getrlimit setrlimit prlimit64 getrusage "
    "times getcpu ptrace process_vm_readv process_vm_writev "
    // Signals.
    "rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigqueueinfo rt_tgsigqueueinfo "
    "rt_sigreturn sigaltstack pause restart_syscall "
    // Users, capabilities, and giving up more of them.
    "getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid setresuid "
    "setresgid setfsuid setfsgid setgroups capget capset seccomp landlock_create_ruleset landlock_add_rule "
    "landlock_restrict_self "
    // Time. Setting it wants a capability that an instance has not; the calls also tell it.
    "time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep alarm getitimer setitimer timer_create "
    "timer_settime timer_gettime timer_getoverrun timer_delete adjtimex clock_adjtime "
    // System V and POSIX communication, which has a namespace of the instance's own.
    "shmget shmat shmdt shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl mq_open mq_unlink "
    "mq_timedsend mq_timedreceive mq_notify mq_getsetattr "
    // What the machine is.
    "uname sysinfo getrandom";

// The convention of calls. The runtime has to be told, else what is newer fails with EPERM.
#if defined(__x86_64__)
constexpr std::string_view kArchitecture = "SCMP_ARCH_X86_64";
#elif defined(__aarch64__)
constexpr std::string_view kArchitecture = "SCMP_ARCH_AARCH64";
#else
#error "The filter of system calls is not known for this machine"
#endif

constexpr std::uint64_t kNamespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

std::string quoted_names(std::string_view names) {
  std::string out;
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(' '));
    names.remove_prefix(std::min(names.size(), name.size() + 1));
    if (!name.empty()) out += fmt::format("{}\"{}\"", out.empty() ? "" : ",", name);
  }
  return out;
}

// The call is allowed if its first argument, as far as the mask goes, is this.
std::string only_if(std::string_view call, std::uint64_t mask, std::uint64_t value) {
  return fmt::format(R"(,{{"names":["{}"],"action":"SCMP_ACT_ALLOW",)"
                     R"("args":[{{"index":0,"value":{},"valueTwo":{},"op":"SCMP_CMP_MASKED_EQ"}}]}})",
                     call, mask, value);
}

}  // namespace

std::string allowed_calls() {
  std::string out =
      fmt::format(R"({{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":{},"architectures":["{}"],"syscalls":[)"
                  R"({{"names":[{}],"action":"SCMP_ACT_ALLOW"}})",
                  EPERM, kArchitecture, quoted_names(kCalls));
  out += only_if("clone", kNamespaces, 0);
  // clone3 hides its flags from the filter: ENOSYS makes the C library use clone, whose flags are looked at.
  out += fmt::format(R"(,{{"names":["clone3"],"action":"SCMP_ACT_ERRNO","errnoRet":{}}})", ENOSYS);
  // The kernel takes an int: what is in the register's upper half must not make another family of it.
  constexpr std::uint64_t kInt = 0xffffffff;
  for (const char* call : {"socket", "socketpair"})
    for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK}) out += only_if(call, kInt, std::uint64_t(family));
  // Linux's own ways of being, and asking which it is.
  for (const std::uint64_t persona : {std::uint64_t(PER_LINUX), std::uint64_t(PER_LINUX32), std::uint64_t(UNAME26),
                                      std::uint64_t(PER_LINUX32) | std::uint64_t(UNAME26), kInt})
    out += only_if("personality", kInt, persona);
  return out + "]}";
}

}  // namespace brume::compute
