// `brume`: one program for the daemon, the load balancer and the people who use them.
#include <cstdio>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/deploy.h"
#include "cli/doctor.h"
#include "cli/env.h"
#include "cli/explain.h"
#include "cli/image.h"
#include "cli/instance.h"
#include "cli/lifecycle.h"
#include "cli/logs.h"
#include "cli/reach.h"
#include "cli/status.h"
#include "cli/up.h"
#include "daemon/daemon.h"
#include "lb/run_lb.h"

int main(int argc, char** argv) {
  using namespace brume;
  CLI::App app("Brume: an elastic cloud on this machine that speaks the AWS API", "brume");
  app.require_subcommand(1);
  app.set_version_flag("--version", BRUME_VERSION);
  std::string root;
  app.add_option("--root", root, "Keep state, sockets and settings below this folder");

  double time_scale = 0;
  app.add_option("--time-scale", time_scale,
                 "For start and up: periods, warm-ups and cooldowns pass so many times faster")
      ->check(CLI::Range(1.0, 3600.0));

  std::vector<std::string> endpoints;
  app.add_option(
         "--endpoint", endpoints,
         "For daemon, start and up: where a service is that Brume does not have, as kinesis=http://127.0.0.1:5000")
      ->allow_extra_args(false);

  auto* up = app.add_subcommand("up", "Deploy a folder's stack and wait until the service answers");
  std::string folder = ".", environment;
  up->add_option("folder", folder, "A folder with stack.yaml")->capture_default_str();
  up->add_option("--env", environment, "Use parameters/<env>.json and name the stack <folder>-<env>");
  auto* deploy = app.add_subcommand("deploy", "Have a stack's instances run another image, a few at a time");
  std::string stack, new_image, image_parameter;
  deploy->add_option("stack", stack, "The stack's name")->required();
  deploy->add_option("--image", new_image, "ami-…")->required();
  deploy->add_option("--parameter", image_parameter, "The template's parameter that names the image");
  auto* down = app.add_subcommand("down", "Delete every stack, stop everything, leave nothing behind");
  auto* start = app.add_subcommand("start", "Start the daemon in the background");
  auto* stop = app.add_subcommand("stop", "Stop the daemon; instances and load balancers go on");
  auto* env = app.add_subcommand("env", "Print the API's address and your keys as shell exports");
  bool certificate = false;
  env->add_flag("--certificate", certificate, "Print the certificate of instance identity documents instead");
  auto* doctor = app.add_subcommand("doctor", "Say what this machine lacks, and the mend");
  auto* image = app.add_subcommand("image", "Images that instances start from");
  image->require_subcommand(1);
  auto* import = image->add_subcommand("import", "Import a root file system: a tarball, a folder or an OCI layout");
  std::string source, name, parameter;
  import->add_option("source", source, "Tarball, folder or OCI layout")->required();
  import->add_option("--name", name, "The image's name (default: the file's)");
  import->add_option("--parameter", parameter, "Set this SSM parameter to the image's id");
  std::string instance, user, port = "22";
  std::vector<std::string> words;
  const auto with_instance = [&](CLI::App* command) {
    command->add_option("instance", instance, "Its id, or its Name")->required();
    return command;
  };
  auto* exec = with_instance(app.add_subcommand("exec", "Run a program in an instance: brume exec i-… -- ls -l /"));
  bool terminal = false;
  exec->add_flag("-t,--terminal", terminal, "Give it a terminal, even if standard input is none");
  exec->add_option("-u,--user", user, "Run it as this user (default: root)");
  exec->add_option("command", words, "After --; the user's shell if there is none");
  auto* ssh = with_instance(app.add_subcommand("ssh", "Log in with ssh: brume ssh i-… -- -i key.pem"));
  ssh->add_option("-l,--user", user, "Log in as this user (default: whom the image has for key pairs)");
  ssh->add_option("arguments", words, "After --, for ssh: its options, a command");
  auto* tunnel =
      with_instance(app.add_subcommand("tunnel", "Connect standard input and output to a port of an instance"));
  tunnel->add_option("port", port, "A TCP port that something in the instance listens on")->capture_default_str();
  auto* console = with_instance(app.add_subcommand("console", "Print what an instance has printed"));
  bool follow = false;
  console->add_flag("-f,--follow", follow, "Go on printing");
  auto* reach = app.add_subcommand("reach", "Say whether one place reaches another on a port, and which rule decides");
  const char* const end = "An instance (id or Name), eni-…, igw-…, pcx-…, an IPv4 address, or \"internet\"";
  std::string from, to, reach_port;
  bool json = false;
  reach->add_option("from", from, end)->required();
  reach->add_option("to", to, end)->required();
  reach->add_option("port", reach_port, "A port of TCP, or of UDP: 53/udp")->required();
  reach->add_flag("--json", json, "Print the analysis as the API has it");
  auto* status = app.add_subcommand("status", "Show what runs: load balancers, groups, instances, alarms, activities");
  bool watch = false;
  status->add_flag("--json", json, "Print it once, as JSON");
  status->add_flag("-w,--watch", watch, "Go on showing it, as on a terminal");
  auto* explain = app.add_subcommand("explain", "Say why an Auto Scaling group has the capacity that it has");
  std::string group;
  explain->add_option("group", group, "The group's name, or that of a stack with one")->required();
  auto* logs = app.add_subcommand("logs", "Print the lines of a log group, or of all that a stack has");
  cli::LogsOptions logs_options;
  logs->add_option("source", logs_options.source, "The log group's name, or a stack's");
  logs->add_flag("-f,--follow", logs_options.follow, "Go on printing");
  logs->add_option("--since", logs_options.since, "90s, 10m, 2h, 3d ago, or a time as ISO 8601")->capture_default_str();
  logs->add_option("--filter", logs_options.pattern, "A filter pattern of CloudWatch Logs: 'ERROR -timeout'");
  auto* logs_query = logs->add_subcommand("query", "Ask a question in the language of Logs Insights");
  cli::LogsQueryOptions query_options;
  logs_query->add_option("query", query_options.query, "'filter level = \"error\" | stats count(*) by bin(5m)'")
      ->required();
  logs_query->add_option("sources", query_options.sources, "Log groups or stacks; all log groups if there are none");
  logs_query->add_option("--since", query_options.since, "As above")->capture_default_str();
  auto* daemon = app.add_subcommand("daemon", "Run the daemon in the foreground");
  auto* lb = app.add_subcommand("lb", "Run the load balancer process (the daemon does)");
  std::string socket;
  unsigned threads = 0;
  lb->add_option("--socket", socket, "Where the daemon connects")->required();
  lb->add_option("--threads", threads, "0: one a core");
  CLI11_PARSE(app, argc, argv);

  if (*lb) return lb::run_lb(socket, threads);
  auto settings = daemon::load_settings(root);
  if (!settings) return cli::report(settings.error());
  if (time_scale != 0) settings->time_scale = time_scale;
  for (const std::string& endpoint : endpoints)
    if (auto added = daemon::add_endpoint(*settings, endpoint); !added) return cli::report(added.error());
  if (*daemon) return daemon::run_daemon(*settings);
  if (*up) return cli::up(*settings, root, folder, environment);
  if (*deploy) return cli::deploy(*settings, stack, new_image, image_parameter);
  if (*down) return cli::down(*settings, root);
  if (*start) return cli::start(*settings, root);
  if (*stop) return cli::stop(*settings);
  if (*env) return certificate ? cli::certificate(*settings) : cli::env(*settings);
  if (*exec) return cli::exec(*settings, {.instance = instance, .user = user, .command = words, .terminal = terminal});
  if (*ssh) return cli::ssh(*settings, root, instance, user, words);
  if (*tunnel) return cli::tunnel(*settings, instance, port);
  if (*console) return cli::console(*settings, instance, follow);
  if (*doctor) return cli::doctor(*settings);
  if (*status) return cli::status(*settings, {.json = json, .watch = watch});
  if (*logs_query) return cli::logs_query(*settings, query_options);
  if (*logs && logs_options.source.empty()) {
    std::fprintf(stderr, "brume: say which log group or stack: brume logs [-f] NAME\n");
    return 2;
  }
  if (*logs) return cli::logs(*settings, logs_options);
  if (*explain) return cli::explain(*settings, group);
  if (*reach) return cli::reach(*settings, from, to, reach_port, json);
  return cli::image_import(*settings, source, name, parameter);
}
