#include "cli/up.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "base/json.h"
#include "cli/command.h"
#include "cli/image.h"
#include "cli/lifecycle.h"
#include "cli/stack_progress.h"
#include "cli/summary.h"
#include "env/posix_files.h"
#include "env/real.h"

namespace brume::cli {
namespace {

using cloudformation::Parameter;

constexpr const char* kImageParameter = "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>";

Result<List<Parameter>> read_parameters(const std::string& path) {
  BRUME_TRY(text, env::PosixFiles().read(path));
  std::vector<std::string> pairs;
  if (auto read = read_json(shape_of<std::vector<std::string>>(), &pairs, text); !read)
    return fail("InvalidParameters", "{}: {}", path, read.error().message);
  List<Parameter> parameters;
  for (const std::string& pair : pairs) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos) return fail("InvalidParameters", "{}: '{}' is not Key=Value", path, pair);
    Parameter& parameter = parameters.emplace_back();
    parameter.ParameterKey = pair.substr(0, equals);
    parameter.ParameterValue = pair.substr(equals + 1);
  }
  return parameters;
}

// Runs FOLDER/image/build and makes what it built the value of the template's image parameter.
Result<void> provide_image(Session& session, const daemon::Settings& settings, const std::string& folder,
                           const cloudformation::GetTemplateSummaryOutput& summary, const List<Parameter>& parameters) {
  const std::string program = folder + "/image/build";
  if (::access(program.c_str(), X_OK) != 0) return {};
  std::string name;
  for (const cloudformation::ParameterDeclaration& declared : summary.Parameters) {
    if (declared.ParameterType != kImageParameter) continue;
    name = declared.DefaultValue.value_or("");
    for (const Parameter& given : parameters)
      if (given.ParameterKey == declared.ParameterKey) name = *given.ParameterValue;
  }
  if (name.empty())
    return fail("InvalidTemplate", "{} has an image/build, but the template has no parameter of type {}", folder,
                kImageParameter);
  std::printf("Image          %s\n", program.c_str());
  std::fflush(stdout);
  const char* home = std::getenv("HOME");
  std::vector<std::string> environment = {std::string("HOME=") + (home ? home : "/root")};
  for (const char* proxy : {"http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"})
    if (const char* value = std::getenv(proxy)) environment.push_back(std::string(proxy) + "=" + value);
  env::RealEnv world(1);
  BRUME_TRY(built,
            world.env().processes.run(
                {.argv = {program, settings.state_dir + "/cache"}, .environment = environment, .folder = folder}));
  if (built.status != 0)
    return fail("ImageBuildFailed", "{} failed: {}", program, built.errors.empty() ? "it said nothing" : built.errors);
  std::string path = built.output;
  while (path.ends_with('\n')) path.pop_back();
  path = path.substr(path.rfind('\n') + 1);
  std::string image = path.substr(path.rfind('/') + 1);
  image = image.substr(0, image.find('.'));
  BRUME_TRY(id, ensure_image(session, image, path));
  std::printf("Image          %s is %s (parameter %s)\n", image.c_str(), id.c_str(), name.c_str());
  return set_image_parameter(session, name, id);
}

// Deletes a stack whose creation was rolled back: nothing is in it, and it can only be made anew.
Result<void> clear_away(Session& session, const std::string& stack) {
  cloudformation::DeleteStackInput request;
  request.StackName = stack;
  BRUME_CHECK(session.cloudformation.DeleteStack(session.call, request));
  while (session.cloudformation.DescribeStacks(session.call, {.StackName = stack}))
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return {};
}

template <typename Request>
Request stack_request(const std::string& stack, const std::string& body, const List<Parameter>& parameters) {
  Request request;
  request.StackName = stack;
  request.TemplateBody = body;
  request.Parameters = parameters;
  request.Capabilities = {std::string("CAPABILITY_IAM"), std::string("CAPABILITY_NAMED_IAM")};
  return request;
}

// Creates or updates the stack and waits. False if there was nothing to do.
Result<bool> deploy(Session& session, const std::string& stack, const std::string& body,
                    const List<Parameter>& parameters) {
  const auto existing = session.cloudformation.DescribeStacks(session.call, {.StackName = stack});
  std::string status = existing ? *existing->Stacks.front().StackStatus : "";
  if (status == "ROLLBACK_COMPLETE") {
    BRUME_CHECK(clear_away(session, stack));
    status.clear();
  }
  StackProgress progress(session, stack);
  if (status.empty()) {
    BRUME_CHECK(session.cloudformation.CreateStack(
        session.call, stack_request<cloudformation::CreateStackInput>(stack, body, parameters)));
  } else if (!status.ends_with("_IN_PROGRESS")) {
    progress.skip();
    const auto updated = session.cloudformation.UpdateStack(
        session.call, stack_request<cloudformation::UpdateStackInput>(stack, body, parameters));
    if (!updated && updated.error().message.find("No updates are to be performed") != std::string::npos) return false;
    if (!updated) return std::unexpected(updated.error());
  }
  BRUME_TRY(end, progress.follow());
  if (end != "CREATE_COMPLETE" && end != "UPDATE_COMPLETE")
    return fail("DeployFailed", "The stack {} could not be deployed ({}). {}", stack, end, progress.failure());
  return true;
}

Result<void> bring_up(const daemon::Settings& settings, const std::string& root, const std::string& folder,
                      const std::string& environment) {
  BRUME_TRY(body, env::PosixFiles().read(folder + "/stack.yaml"));
  List<Parameter> parameters;
  std::string stack = folder.substr(folder.rfind('/') + 1);
  if (!environment.empty()) {
    BRUME_TRY(read, read_parameters(fmt::format("{}/parameters/{}.json", folder, environment)));
    parameters = read;
    stack += "-" + environment;
  }
  BRUME_CHECK(start_daemon(settings, root));
  BRUME_TRY(session, open_session(settings));
  cloudformation::GetTemplateSummaryInput ask;
  ask.TemplateBody = body;
  BRUME_TRY(summary, session->cloudformation.GetTemplateSummary(session->call, ask));
  BRUME_CHECK(provide_image(*session, settings, folder, summary, parameters));
  std::printf("Stack          %s in %s\n", stack.c_str(), region_of(settings).c_str());
  BRUME_TRY(changed, deploy(*session, stack, body, parameters));
  if (!changed) std::printf("Nothing changed.\n");
  return print_summary(*session, stack);
}

}  // namespace

int up(const daemon::Settings& settings, const std::string& root, const std::string& folder,
       const std::string& environment) {
  char* absolute = ::realpath(folder.c_str(), nullptr);
  if (!absolute) return report({"InvalidParameterValue", fmt::format("There is no folder {}", folder), 400});
  const std::string path = absolute;
  ::free(absolute);
  if (auto done = bring_up(settings, root, path, environment); !done) return report(done.error());
  return 0;
}

}  // namespace brume::cli
