// Brings access logs to their log groups: there is no S3 here, so what a load balancer's `access_logs.s3` attributes
// enable arrives in the group "/aws/elasticloadbalancing/<its name>", in a stream called as its lines call it.
//
// The load balancer process leaves whole files of lines (lb/access_spool.h); each is appended, under a token that is
// its name, and then removed: a crash between the two appends it again, which changes nothing. Looks each second while
// a load balancer logs or files are left, and a little longer, else each minute and when a
// load balancer's attributes change; what fails is tried again after 1 s, doubling to 30 s.
// Files are shipped in the order in which they were written.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/context.h"
#include "services/common/log_sink.h"

namespace brume::elbv2 {

// "app/<name>/<id>" of a load balancer's ARN: what a line calls it.
std::string access_log_name(std::string_view arn);
// That as the name of a folder: "app.<name>.<id>". Names have no dots.
std::string folder_of(std::string_view name);
// The log group of "app/<name>/<id>".
std::string access_log_group(std::string_view name);
// Lines as events, each at the time that it tells, else at `otherwise`. What comes after the last line end was torn off
// by a loss of power and is left out.
std::vector<services::LogEvent> access_log_events(std::string_view lines, Timestamp otherwise);

class AccessLogShipper {
 public:
  // `folder`: the data plane's, of this region. `logging`: load balancers that keep an access log, by name.
  AccessLogShipper(services::Context context, std::string folder, services::LogSink& sink,
                   std::function<std::set<std::string>()> logging);
  AccessLogShipper(const AccessLogShipper&) = delete;
  AccessLogShipper& operator=(const AccessLogShipper&) = delete;
  void start();

 private:
  // Names of load balancers, and the files of each.
  using Found = std::map<std::string, std::vector<std::string>>;

  void look_in(env::Duration time);
  void look();
  // On a worker.
  [[nodiscard]] Found find(const std::set<std::string>& logging) const;
  [[nodiscard]] Result<void> ship(const Found& found) const;
  void shipped(const Result<void>& result);

  services::Context context_;
  std::string folder_;
  services::LogSink& sink_;
  std::function<std::set<std::string>()> logging_;
  int idle_ = 0;  // looks since something logged or was found
  bool busy_ = false;
  env::Loop::TimerId timer_ = 0;
  int failures_ = 0;
};

}  // namespace brume::elbv2
