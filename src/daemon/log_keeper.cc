#include "daemon/log_keeper.h"

#include <memory>

#include "base/log.h"

namespace brume::daemon {

void LogKeeper::look_in(env::Duration time) {
  if (busy_) return;  // looks again when that is done
  env_.loop.cancel(timer_);
  timer_ = env_.loop.after(time, [this] {
    timer_ = 0;
    look();
  });
}

void LogKeeper::look() {
  busy_ = true;
  touched_ = false;
  auto result = std::make_shared<Result<logstore::Maintained>>();
  aside_([this, result, now = env_.clock.wall().time_since_epoch().count()] { *result = store_.maintain(now); },
         [this, result] {
           busy_ = false;
           look_in(touched_ ? env::Duration(std::chrono::seconds(1)) : env::Duration(std::chrono::minutes(1)));
           if (!*result) return log_warning("log events are not folded: {}", result->error().message);
           for (const logstore::Dropped& dropped : (*result)->dropped)
             log_warning(
                 "the disk budget of logs is used up: {} events ({} bytes) of log group {:016x} went, the oldest",
                 dropped.events, dropped.bytes, dropped.group);
           if ((*result)->damaged > 0)
             log_error("{} parts of the log events cannot be read and are passed over", (*result)->damaged);
         });
}

}  // namespace brume::daemon
