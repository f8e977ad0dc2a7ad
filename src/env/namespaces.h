// Network namespaces that outlive processes: bind-mounted at a path, as ip-netns(8) does.
//
// The calling thread never changes namespace. Whoever works inside one does so on a thread of its own (apart()), which
// ends with the work, so that nothing has to be undone and no later task finds itself elsewhere. Needs CAP_SYS_ADMIN.
// Leaves to others: what lies in the namespaces (net/), and not calling make and remove for one path at the same time.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "env/fd.h"

namespace brume::env {

// Is a network namespace mounted at `path`? (A plain file that an interrupted make left behind is none.)
[[nodiscard]] bool network_namespace_exists(const std::string& path);

// Makes one at `path`, whose folder must be there; nothing if there is one. True if it was made by this call.
// `prepare` runs inside it before it is mounted, so that what is found at `path` is always prepared.
Result<bool> make_network_namespace(const std::string& path, const std::function<Result<void>()>& prepare = {});

// Takes it from `path`; the kernel ends the namespace when its last process and socket are gone. Nothing there is fine.
Result<void> remove_network_namespace(const std::string& path);

// Opens it, for netlink attributes that take a descriptor.
Result<Fd> open_network_namespace(const std::string& path);

// Runs `work` on a new thread and waits for it.
Result<void> apart(const std::function<Result<void>()>& work);

// Moves the calling thread, which must be one of apart()'s, into the namespace at `path`; may be called again.
// /proc/sys/net follows the thread.
Result<void> enter_network_namespace(const std::string& path);

// Writes a setting below /proc/sys/net of the calling thread's namespace: write_sysctl("ipv4/ip_forward", "1").
Result<void> write_sysctl(const std::string& name, const std::string& value);

}  // namespace brume::env
