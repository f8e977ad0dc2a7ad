#include <boost/json.hpp>

#include "compute/oci_exec.h"

namespace brume::compute {
namespace {

namespace json = boost::json;

void set_variable(json::array& environment, const std::string& name, const std::string& value) {
  for (std::size_t i = environment.size(); i-- > 0;)
    if (const auto* text = environment[i].if_string(); text && text->starts_with(name + "="))
      environment.erase(environment.begin() + std::ptrdiff_t(i));
  environment.emplace_back(name + "=" + value);
}

}  // namespace

Result<std::string> exec_process(std::string_view config, const ExecSpec& spec, const init::Account& account,
                                 const std::vector<gid_t>& groups, const std::string& folder) {
  json::error_code error;
  json::value read = json::parse(config, error);
  json::object* whole = error ? nullptr : read.if_object();
  json::value* found = whole ? whole->if_contains("process") : nullptr;
  if (!found || !found->is_object()) return fail_internal("The instance's config.json has no process");
  json::object& process = found->get_object();

  const std::string shell = account.shell.starts_with('/') ? account.shell : "/bin/sh";
  json::array arguments;
  for (const std::string& word : spec.command) arguments.emplace_back(word);
  if (spec.command.empty()) arguments = {json::string(shell), "-l"};
  process["args"] = std::move(arguments);
  process["cwd"] = folder;
  json::array more;
  for (const gid_t group : groups) more.emplace_back(group);
  process["user"] = {{"uid", account.uid}, {"gid", account.gid}, {"additionalGids", std::move(more)}};

  json::array environment;
  if (const json::value* given = process.if_contains("env"); given && given->is_array())
    environment = given->get_array();
  set_variable(environment, "HOME", account.home);
  set_variable(environment, "USER", account.name);
  set_variable(environment, "LOGNAME", account.name);
  set_variable(environment, "SHELL", shell);
  if (!spec.terminal.empty()) set_variable(environment, "TERM", spec.terminal);
  process["env"] = std::move(environment);

  process["terminal"] = !spec.terminal.empty();
  if (!spec.terminal.empty()) process["consoleSize"] = {{"height", spec.rows}, {"width", spec.columns}};
  return json::serialize(process);
}

}  // namespace brume::compute
