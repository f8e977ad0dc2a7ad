// Processes and files of brume-init.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace brume::init {

inline const std::string kFolder = "/var/lib/brume-init";  // what is remembered of an instance, on its disk

// fork(2); the child has a session of its own and, unlike PID 1, ends on SIGTERM. Says so if it fails.
pid_t fork_child();
// In a child: becomes the program, in /.
[[noreturn]] void become(const std::vector<std::string>& arguments);
// Runs a program with our output and waits for it. Its exit status; 128 + signal; 127 if it cannot be started.
int run_program(const std::vector<std::string>& arguments);
// "<what> has ended", or how.
void tell_end(const char* what, int wait_status);

bool exists(const std::string& path);
bool write_file(const std::string& path, const std::string& content, mode_t mode);
// At most a megabyte; empty if it cannot be read.
std::string read_file(const std::string& path);
void make_folder();  // kFolder, with its parents
// Whether a thing that is to be done once in an instance's life has been done, and that it has.
bool is_done(const std::string& instance_id, const char* thing);
bool set_done(const std::string& instance_id, const char* thing);

}  // namespace brume::init
