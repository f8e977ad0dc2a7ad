#include "compute/refused_calls.h"

namespace brume::compute {

std::string refused_calls() {
  // No architectures are named: the native one is meant, and a call in another's convention (32 bits) ends the process.
  // clone3 hides its flags from the filter: ENOSYS (38) makes the C library use clone, whose flags are looked at.
  std::string namespaces;
  for (const unsigned flag :
       {0x00020000U, 0x02000000U, 0x04000000U, 0x08000000U, 0x10000000U, 0x20000000U, 0x40000000U}) {
    const std::string value = std::to_string(flag);
    namespaces += R"({"names":["clone"],"action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":)" + value +
                  R"(,"valueTwo":)" + value + R"(,"op":"SCMP_CMP_MASKED_EQ"}]},)";
  }
  return R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[)" + namespaces +
         R"({"names":["clone3"],"action":"SCMP_ACT_ERRNO","errnoRet":38},
{"names":["acct","add_key","bpf","clock_adjtime","clock_settime","create_module","delete_module","finit_module",
"fsconfig","fsmount","fsopen","fspick","get_kernel_syms","init_module","io_uring_enter","io_uring_register",
"io_uring_setup","ioperm","iopl","kcmp","kexec_file_load","kexec_load","keyctl","lookup_dcookie","mount","mount_setattr",
"move_mount","nfsservctl","open_by_handle_at","open_tree","perf_event_open","pivot_root","query_module","quotactl",
"reboot","request_key","setns","settimeofday","stime","swapoff","swapon","sysfs","umount","umount2","unshare","uselib",
"userfaultfd","ustat","vm86","vm86old"],"action":"SCMP_ACT_ERRNO"}]})";
}

}  // namespace brume::compute
