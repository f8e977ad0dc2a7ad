#include "cli/env.h"

#include <unistd.h>

#include <cstdio>

#include "cli/command.h"
#include "daemon/keys.h"
#include "env/posix_files.h"

namespace brume::cli {
namespace {

int report_key(const Error& error) {
  return report(::geteuid() == 0 ? error
                                 : Error{"AccessDenied", "The owner's key is for root only; run it as root", 403});
}

}  // namespace

int certificate(const daemon::Settings& settings) {
  const auto key = daemon::read_identity_key(env::PosixFiles(), settings.state_dir);
  if (!key) return report_key(key.error());
  std::printf("%s", key->certificate.c_str());
  return 0;
}

int env(const daemon::Settings& settings) {
  const auto key = daemon::read_owner_key(env::PosixFiles(), settings.state_dir);
  if (!key) return report_key(key.error());
  std::printf("export AWS_ENDPOINT_URL=http://127.0.0.1:%d\n", settings.api_port);
  std::printf("export AWS_ACCESS_KEY_ID=%s\n", key->access_key_id.c_str());
  std::printf("export AWS_SECRET_ACCESS_KEY=%s\n", key->secret_access_key.c_str());
  std::printf("unset AWS_SESSION_TOKEN AWS_PROFILE\n");
  std::printf("export AWS_DEFAULT_REGION=%s\n", region_of(settings).c_str());
  return 0;
}

}  // namespace brume::cli
