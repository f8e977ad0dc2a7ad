#include "services/ssm/sessions.h"

#include <gtest/gtest.h>

#include "env/sim.h"
#include "services/ssm/service.h"
#include "store/memory_backend.h"

namespace brume::ssm {
namespace {

StartSessionRequest request(const char* document, decltype(StartSessionRequest::Parameters) parameters) {
  StartSessionRequest out;
  out.Target = "i-1";
  if (*document) out.DocumentName = document;
  out.Parameters = std::move(parameters);
  return out;
}

TEST(SessionDocuments, TellWhatASessionDoes) {
  const SessionPlan shell = plan_session(request("", {})).value();
  EXPECT_EQ(shell.terminal, "xterm");
  EXPECT_TRUE(shell.command.empty() && shell.user.empty() && !shell.port);
  EXPECT_EQ(plan_session(request("AWS-StartSSHSession", {}))->port, 22);
  EXPECT_EQ(plan_session(request("AWS-StartSSHSession", {{"portNumber", {"2222"}}}))->port, 2222);
  EXPECT_EQ(plan_session(request("AWS-StartPortForwardingSession", {{"localPortNumber", {"1"}}}))->port, 80);
  const SessionPlan command =
      plan_session(request("Brume-StartCommand", {{"command", {R"(["sh","-c",""])"}}, {"user", {"web"}}})).value();
  EXPECT_EQ(command.command, (std::vector<std::string>{"sh", "-c", ""}));
  EXPECT_EQ(command.user, "web");
  EXPECT_EQ(command.terminal, "");
}

TEST(SessionDocuments, BadParametersAreRefused) {
  EXPECT_EQ(plan_session(request("AWS-Nothing", {})).error().code, "InvalidDocument");
  const StartSessionRequest bad[] = {
      request("", {{"command", {"ls"}}}),
      request("AWS-StartSSHSession", {{"portNumber", {"0"}}}),
      request("AWS-StartSSHSession", {{"portNumber", {"65536"}}}),
      request("AWS-StartSSHSession", {{"portNumber", {"22x"}}}),
      request("AWS-StartSSHSession", {{"portNumber", {"22", "23"}}}),
      request("AWS-StartSSHSession", {{"portNumber", {}}}),
      request("AWS-StartSSHSession", {{"host", {"x"}}}),
      request("Brume-StartCommand", {{"command", {"ls"}}}),
      request("Brume-StartCommand", {{"command", {"[]"}}}),
      request("Brume-StartCommand", {{"command", {R"([""])"}}}),
      request("Brume-StartCommand", {{"command", {R"(["ls",1])"}}}),
      request("Brume-StartCommand", {{"command", {R"(["l\u0000s"])"}}}),
      request("Brume-StartCommand", {{"user", {"a b"}}}),
      request("Brume-StartCommand", {{"terminal", {"x=y"}}}),
  };
  for (const auto& r : bad) EXPECT_EQ(plan_session(r).error().code, "ValidationException") << *r.DocumentName;
}

class SessionsTest : public testing::Test {
 protected:
  Sessions::Started start(const std::string& instance = "i-1") {
    return sessions.start(instance, {}, "arn:aws:sts::000000000000:assumed-role/ops/a.b/c d", "reason").value();
  }
  std::string status(const std::string& id) {
    for (const Session& session : sessions.list())
      if (session.SessionId == id) return *session.Status;
    return "";
  }
  env::SimEnv sim;
  Sessions sessions{sim.clock, sim.random};
};

TEST_F(SessionsTest, ATokenIsGoodOnceAndForAMinute) {
  const auto one = start();
  EXPECT_TRUE(one.id.starts_with("cd-")) << one.id;  // a session name keeps only what a URL can have
  EXPECT_EQ(sessions.connect(one.id, "", {}).error().code, "AccessDenied");
  EXPECT_EQ(sessions.connect(one.id, one.token.substr(1), {}).error().code, "AccessDenied");
  EXPECT_EQ(sessions.connect("x" + one.id, one.token, {}).error().code, "AccessDenied");
  EXPECT_EQ(status(one.id), "Connecting");
  EXPECT_EQ(sessions.connect(one.id, one.token, {})->instance_id, "i-1");
  EXPECT_EQ(status(one.id), "Connected");
  EXPECT_EQ(sessions.connect(one.id, one.token, {}).error().code, "AccessDenied");
  EXPECT_EQ(sessions.connect(one.id, "", {}).error().code, "AccessDenied");
  const auto late = start();
  sim.loop.run_for(std::chrono::seconds(60));
  EXPECT_EQ(sessions.connect(late.id, late.token, {}).error().code, "AccessDenied");
  EXPECT_EQ(status(late.id), "Terminated");
  EXPECT_EQ(status(one.id), "Connected");
}

TEST_F(SessionsTest, TerminatingClosesOnce) {
  const auto one = start();
  int closed = 0;
  ASSERT_TRUE(sessions.connect(one.id, one.token, [&] { ++closed; }));
  EXPECT_FALSE(sessions.terminate("no such"));
  EXPECT_TRUE(sessions.terminate(one.id));
  EXPECT_TRUE(sessions.terminate(one.id));
  EXPECT_EQ(closed, 1);
  EXPECT_EQ(status(one.id), "Terminated");
  const auto waiting = start();
  EXPECT_TRUE(sessions.terminate(waiting.id));
  EXPECT_FALSE(sessions.connect(waiting.id, waiting.token, {}));
}

TEST_F(SessionsTest, AreBounded) {
  std::vector<Sessions::Started> started;
  for (std::size_t i = 0; i < Sessions::kMaxInstanceSessions; ++i) started.push_back(start());
  EXPECT_EQ(sessions.start("i-1", {}, "me", {}).error().code, "ThrottlingException");
  for (std::size_t i = Sessions::kMaxInstanceSessions; i < Sessions::kMaxSessions; ++i) start("i-" + std::to_string(i));
  EXPECT_EQ(sessions.start("i-x", {}, "me", {}).error().code, "ThrottlingException");
  sessions.ended(started[0].id);
  EXPECT_TRUE(sessions.start("i-1", {}, "me", {}));
  sim.loop.run_for(std::chrono::seconds(60));
  EXPECT_EQ(sessions.list().size(), 100U);  // what is remembered of those that have ended
}

TEST(SessionOperations, AskWhetherTheInstanceRuns) {
  env::SimEnv sim;
  store::MemoryBackend backend;
  store::Store store{backend};
  services::Hints hints{sim.loop};
  Service service{services::Context{sim.env, store, hints, "ap-southeast-1"},
                  [](const std::string&) { return false; },
                  {.runs = [](const std::string& id) { return id == "i-1"; }, .api_port = 4567}};
  aws::Call call{.principal_arn = "arn:aws:iam::000000000000:root"};
  StartSessionRequest ask = request("", {});
  ask.Target = "i-2";
  const auto refused = service.StartSession(call, ask);
  EXPECT_EQ(refused.error().code, "TargetNotConnected");
  EXPECT_EQ(refused.error().message, "i-2 is not connected.");
  ask.Target = "i-1";
  const auto started = service.StartSession(call, ask).value();
  EXPECT_TRUE(started.SessionId->starts_with("root-"));
  EXPECT_EQ(*started.StreamUrl,
            "ws://127.0.0.1:4567/v1/data-channel/" + *started.SessionId + "?role=publish_subscribe");
  call.source_address = "10.0.0.5";
  EXPECT_TRUE(service.StartSession(call, ask)->StreamUrl->starts_with("ws://169.254.169.254:4566/"));
  DescribeSessionsRequest all;
  all.State = "Active";
  EXPECT_EQ(service.DescribeSessions(call, all)->Sessions.size(), 2U);
  all.Filters = {SessionFilter{"SessionId", *started.SessionId}};
  EXPECT_EQ(service.DescribeSessions(call, all)->Sessions.size(), 1U);
  EXPECT_EQ(*service.TerminateSession(call, {started.SessionId})->SessionId, *started.SessionId);
  EXPECT_EQ(service.DescribeSessions(call, all)->Sessions.size(), 0U);
  all.State = "History";
  EXPECT_EQ(service.DescribeSessions(call, all)->Sessions.size(), 1U);
  EXPECT_EQ(service.TerminateSession(call, {"none"}).error().code, "DoesNotExistException");
}

}  // namespace
}  // namespace brume::ssm
