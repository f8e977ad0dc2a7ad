#include "cli/instance.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "base/base64.h"
#include "base/json.h"
#include "cli/session_client.h"
#include "compute/init/accounts.h"

namespace brume::cli {
namespace {

constexpr std::size_t kSeam = 512;  // of what was printed last, to find the place again

Result<std::string> find_instance(Session& session, const std::string& named) {
  if (named.starts_with("i-")) return named;
  ec2::DescribeInstancesRequest request;
  request.Filters = {ec2::Filter{"tag:Name", {named}}, ec2::Filter{"instance-state-name", {std::string("running")}}};
  BRUME_TRY(found, session.ec2.DescribeInstances(session.call, request));
  std::vector<std::string> ids;
  for (const auto& reservation : found.Reservations)
    for (const auto& instance : reservation.Instances) ids.push_back(*instance.InstanceId);
  if (ids.empty()) return fail("InvalidInstanceID.NotFound", "No running instance has the Name {}", named);
  if (ids.size() > 1)
    return fail("InvalidInstanceID.NotUnique", "{} running instances have the Name {}: {}; give the id of one",
                ids.size(), named, fmt::join(ids, ", "));
  return ids.front();
}

std::string as_json(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "[" : ",") + json_quote(word);
  return out + "]";
}

Result<ec2::GetConsoleOutputResult> console_of(Session& session, const std::string& id) {
  ec2::GetConsoleOutputRequest request;
  request.InstanceId = id;
  request.Latest = true;
  return session.ec2.GetConsoleOutput(session.call, request);
}

Result<std::string> state_of(Session& session, const std::string& id) {
  ec2::DescribeInstancesRequest request;
  request.InstanceIds = {id};
  BRUME_TRY(found, session.ec2.DescribeInstances(session.call, request));
  return *found.Reservations.front().Instances.front().State->Name;
}

// Why there is no session with an instance, in words that say what to do.
Error explained(Session& session, const std::string& id, Error error) {
  if (error.code != "TargetNotConnected") return error;
  const auto state = state_of(session, id);
  if (!state) return state.error().code.starts_with("InvalidInstanceID.") ? state.error() : error;
  if (*state == "stopped")
    error.message = fmt::format("{0} is stopped; aws ec2 start-instances --instance-ids {0} starts it", id);
  else if (*state != "running")
    error.message = fmt::format("{} is {}, and a session needs an instance that runs", id, *state);
  return error;
}

// Either failed, and it is said, or the status.
int status_of(Session& session, const std::string& id, const Result<int>& result) {
  return result ? *result : report(explained(session, id, result.error()));
}

Result<void> print_console(Session& session, const std::string& named, bool follow) {
  BRUME_TRY(id, find_instance(session, named));
  std::string before;
  for (bool last = !follow;;) {
    BRUME_TRY(output, console_of(session, id));
    const std::string now = base64_decode(output.Output.value_or("")).value_or("");
    const std::string_view fresh = continuation(before, now);
    std::fwrite(fresh.data(), 1, fresh.size(), stdout);
    if (std::fflush(stdout) != 0) return {};  // nobody reads any more
    before = now;
    if (last) return {};
    BRUME_TRY(state, state_of(session, id));
    last = state == "terminated";
    if (!last) std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
}

// The account that key pairs are for, as the instance's /etc/passwd tells.
Result<std::string> login_of(Session& session, const std::string& id) {
  std::string passwd;
  const auto status = run_session(
      session,
      {.instance_id = id, .document = "Brume-StartCommand", .parameters = {{"command", R"(["cat","/etc/passwd"])"}}},
      passwd);
  if (!status) {
    Error error = explained(session, id, status.error());
    if (error.code.starts_with("AccessDenied"))
      error.message += " (This was to find out whom to log in as; --user names somebody.)";
    return std::unexpected(std::move(error));
  }
  // 1: there is no such file; then root is all that there is, for brume-init as well.
  if (*status > 1) return fail("SessionFailed", "{} does not tell its accounts; name one with --user", id);
  return init::login_account(passwd).name;
}

}  // namespace

std::string_view continuation(std::string_view before, std::string_view now) {
  if (before.empty()) return now;
  if (now.starts_with(before)) return now.substr(before.size());
  // The beginning of `before` has scrolled away. The last place where its end stands is the most that can be old.
  for (std::size_t size = std::min(kSeam, before.size()); size >= std::min<std::size_t>(16, before.size()); size /= 2) {
    const std::size_t at = now.rfind(before.substr(before.size() - size));
    if (at != std::string_view::npos) return now.substr(at + size);
    if (size == 1) break;
  }
  return now;
}

int exec(const daemon::Settings& settings, const ExecOptions& options) {
  const auto session = open_caller_session(settings);
  if (!session) return report(session.error());
  const auto id = find_instance(**session, options.instance);
  if (!id) return report(id.error());
  SessionRequest request{.instance_id = *id,
                         .document = "Brume-StartCommand",
                         .parameters = {},
                         .terminal = options.terminal || (::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO))};
  if (!options.command.empty()) request.parameters.emplace_back("command", as_json(options.command));
  if (!options.user.empty()) request.parameters.emplace_back("user", options.user);
  if (request.terminal) {
    const char* type = std::getenv("TERM");
    request.parameters.emplace_back("terminal", type && *type ? type : "xterm");
  }
  return status_of(**session, *id, run_session(**session, request));
}

int tunnel(const daemon::Settings& settings, const std::string& instance, const std::string& port) {
  const auto session = open_caller_session(settings);
  if (!session) return report(session.error());
  const auto id = find_instance(**session, instance);
  if (!id) return report(id.error());
  return status_of(
      **session, *id,
      run_session(**session, {.instance_id = *id,
                              .document = port == "22" ? "AWS-StartSSHSession" : "AWS-StartPortForwardingSession",
                              .parameters = {{"portNumber", port}}}));
}

int ssh(const daemon::Settings& settings, const std::string& root, const std::string& instance, std::string user,
        const std::vector<std::string>& arguments) {
  const auto session = open_caller_session(settings);
  if (!session) return report(session.error());
  const auto id = find_instance(**session, instance);
  if (!id) return report(id.error());
  if (user.empty()) {
    auto login = login_of(**session, *id);
    if (!login) return report(login.error());
    user = *std::move(login);
  }
  // ssh runs it through a shell: quotes, should a path need them; and %, which ssh expands, doubled.
  const auto quoted = [](const std::string& text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? "'\\''" : c == '%' ? "%%" : std::string(1, c);
    return out + "'";
  };
  std::string proxy = quoted(daemon::program_path());
  if (!root.empty()) proxy += " --root " + quoted(root);
  proxy += " tunnel " + quoted(*id) + " %p";
  // Each instance has host keys of its own, known by its id; the way to a new one is as safe as the API.
  std::vector<std::string> command = {
      "ssh", "-o", "ProxyCommand=" + proxy, "-o", "HostKeyAlias=" + *id, "-o", "StrictHostKeyChecking=accept-new", "-l",
      user,  *id};
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execvp("ssh", argv.data());
  return report({"NotFound", fmt::format("Cannot run ssh: {}; `brume exec {}` needs none", std::strerror(errno), *id)});
}

int console(const daemon::Settings& settings, const std::string& instance, bool follow) {
  const auto session = open_caller_session(settings);
  if (!session) return report(session.error());
  const auto printed = print_console(**session, instance, follow);
  return printed ? 0 : report(printed.error());
}

}  // namespace brume::cli
