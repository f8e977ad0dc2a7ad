#include "net/nftables.h"

#include <fcntl.h>
#include <nftables/libnftables.h>
#include <sched.h>
#include <unistd.h>

#include <memory>

#include "env/namespaces.h"
#include "env/posix_error.h"

namespace brume::net {

namespace {

// Duplicates of what the library is about to close; see with_own_descriptors().
void leave_the_close_to_the_thread() {
  for (int fd = 3; fd < 8; ++fd) (void)::fcntl(fd, F_DUPFD_CLOEXEC, 8);  // the library's few are the first; or none
}

Result<void> run(const std::string& commands) {
  const std::unique_ptr<nft_ctx, decltype(&nft_ctx_free)> context(nft_ctx_new(NFT_CTX_DEFAULT), &nft_ctx_free);
  if (!context) return fail_internal("Cannot reach the kernel's nftables");
  nft_ctx_buffer_error(context.get());
  nft_ctx_buffer_output(context.get());
  const int status = nft_run_cmd_from_buffer(context.get(), commands.c_str());
  leave_the_close_to_the_thread();
  if (status == 0) return {};
  std::string words = nft_ctx_get_error_buffer(context.get());
  if (words.size() > 400) words.resize(400);
  return fail_internal("nftables refused the rules: {}", words);
}

}  // namespace

Result<void> with_own_descriptors(const std::function<Result<void>()>& work) {
  return env::apart([&]() -> Result<void> {
    if (::unshare(CLONE_FILES) != 0) return env::posix_error("Cannot separate", "the descriptors of a thread");
    if (::close_range(3, ~0U, 0) != 0) return env::posix_error("Cannot close", "the descriptors of a thread");
    return work();
  });
}

Result<void> run_nftables(const std::string& commands) {
  if (commands.empty()) return {};
  // The library waits with select(2), which ends a process whose descriptor is 1024 or more.
  return with_own_descriptors([&] { return run(commands); });
}

}  // namespace brume::net
