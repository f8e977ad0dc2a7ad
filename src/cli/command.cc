#include "cli/command.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "daemon/keys.h"
#include "env/posix_files.h"

namespace brume::cli {

std::string region_of(const daemon::Settings& settings) {
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"})
    if (const char* value = std::getenv(name); value && *value) return value;
  return settings.region;
}

Result<std::unique_ptr<Session>> open_session(const daemon::Settings& settings) {
  auto key = daemon::read_owner_key(env::PosixFiles(), settings.state_dir);
  if (!key && ::geteuid() != 0)
    return fail("AccessDenied", "The owner's key is for root only; run it as root: sudo brume …");
  if (!key) return std::unexpected(std::move(key).error());
  return std::make_unique<Session>(
      aws::HttpTransport::Options{.endpoint = fmt::format("http://127.0.0.1:{}", settings.api_port),
                                  .credentials = {.access_key = key->access_key_id,
                                                  .secret_key = key->secret_access_key,
                                                  .session_token = "",
                                                  .principal_arn = "",
                                                  .user_id = ""},
                                  .region = region_of(settings)});
}

int report(const Error& error) {
  std::fprintf(stderr, "brume: %s\n", error.message.c_str());
  return 1;
}

}  // namespace brume::cli
