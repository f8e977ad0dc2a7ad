// Requests as clients send them, through the dispatcher, against fakes of generated services. No socket.
#include "aws/dispatcher.h"

#include <gtest/gtest.h>

#include <zlib.h>

#include "ec2/api.h"
#include "env/sim.h"
#include "ssm/api.h"
#include "store/memory_backend.h"
#include "sts/api.h"

namespace brume::aws {
namespace {

const Credentials kKeys{.access_key = "AKIDTEST",
                        .secret_key = "secret",
                        .principal_arn = "arn:aws:iam::000000000000:root",
                        .user_id = "000000000000"};

class FakeEc2 : public ec2::Api {
 public:
  Result<ec2::CreateVpcResult> CreateVpc(const Call& call, const ec2::CreateVpcRequest& request) override {
    ++calls;
    regions.push_back(call.region);
    if (request.CidrBlock == "10.0.0.0/8")
      return fail("InvalidVpc.Range", "The CIDR '{}' is invalid.", *request.CidrBlock);
    ec2::CreateVpcResult result;
    result.Vpc.emplace().CidrBlock = request.CidrBlock;
    return result;
  }
  Result<ec2::DescribeVpcsResult> DescribeVpcs(const Call&, const ec2::DescribeVpcsRequest& request) override {
    filters = request.Filters;
    return ec2::DescribeVpcsResult{};
  }
  Result<void> DeleteVpc(const Call&, const ec2::DeleteVpcRequest&) override { return {}; }
  Result<ec2::CreateRouteTableResult> CreateRouteTable(const Call&,
                                                       const ec2::CreateRouteTableRequest& request) override {
    ++calls;
    ec2::CreateRouteTableResult result;
    result.RouteTable.emplace().RouteTableId = "rtb-" + std::to_string(calls);
    result.RouteTable->VpcId = request.VpcId;
    return result;
  }
  int calls = 0;
  std::vector<std::string> regions;
  List<ec2::Filter> filters;
};

class FakeSts : public sts::Api {
 public:
  Result<sts::GetCallerIdentityResponse> GetCallerIdentity(const Call& call,
                                                           const sts::GetCallerIdentityRequest&) override {
    sts::GetCallerIdentityResponse result;
    result.Account = call.account;
    result.Arn = call.principal_arn;
    return result;
  }
};

class FakeSsm : public ssm::Api {
 public:
  Result<ssm::GetParameterResult> GetParameter(const Call&, const ssm::GetParameterRequest& request) override {
    return fail("ParameterNotFound", "{}", *request.Name);
  }
  Result<ssm::PutParameterResult> PutParameter(const Call&, const ssm::PutParameterRequest& request) override {
    stored = *request.Value;
    ssm::PutParameterResult result;
    result.Version = 1;
    return result;
  }
  std::string stored;
};

const Credentials kTemporary{.access_key = "ASIATEST",
                             .secret_key = "other",
                             .session_token = "token",
                             .principal_arn = "arn:aws:sts::000000000000:assumed-role/web/i-1",
                             .user_id = "AROA:i-1"};

class FakeSessions : public Sessions {
 public:
  Result<Credentials> credentials(std::string_view access_key, std::string_view token) const override {
    if (expired) return std::unexpected(Error{"ExpiredToken", "expired", 403});
    if (access_key != kTemporary.access_key || token != kTemporary.session_token)
      return std::unexpected(Error{"InvalidClientTokenId", "invalid", 403});
    return kTemporary;
  }
  Result<void> authorize(const Call& call, const ServiceModel&, const Operation& operation,
                         const void*) const override {
    if (allowed == operation.name) return {};
    return std::unexpected(Error{"AccessDenied", "User: " + call.principal_arn + " may not", 403});
  }
  bool expired = false;
  std::string allowed;
};

class DispatcherTest : public testing::Test {
 protected:
  DispatcherTest() {
    dispatcher.add(ec2::model(), [this](const std::string&) -> Result<void*> { return static_cast<ec2::Api*>(&ec2); });
    dispatcher.add(sts::model(), [this](const std::string&) -> Result<void*> { return static_cast<sts::Api*>(&sts); });
    dispatcher.add(ssm::model(), [this](const std::string&) -> Result<void*> { return static_cast<ssm::Api*>(&ssm); });
  }

  HttpAnswer send(HttpRequest request, std::string_view service, const Credentials& keys = kKeys) {
    request.headers.emplace_back("Host", "127.0.0.1:4566");
    sign_request(request, keys, "ap-southeast-1", service, world.clock.wall());
    return dispatcher.handle(request);
  }
  HttpAnswer form(std::string_view service, std::string body) {
    const char* version = service == "ec2" ? "2016-11-15" : "2011-06-15";
    return send({.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
                 .body = body + "&Version=" + version},
                service);
  }
  HttpAnswer json(std::string_view operation, std::string body) {
    return send({.headers = {{"Content-Type", "application/x-amz-json-1.1"},
                             {"X-Amz-Target", "AmazonSSM." + std::string(operation)}},
                 .body = std::move(body)},
                "ssm");
  }

  env::SimEnv world;
  store::MemoryBackend backend;
  store::Store store{backend};
  FakeEc2 ec2;
  FakeSts sts;
  FakeSsm ssm;
  Dispatcher dispatcher{world.env, store, [](std::string_view key) {
                          return key == kKeys.access_key ? std::optional(kKeys) : std::nullopt;
                        }};
};

bool has(const HttpAnswer& answer, std::string_view text) {
  return answer.body.find(text) != std::string::npos;
}
#define EXPECT_HAS(answer, text) EXPECT_TRUE(has(answer, text)) << (answer).status << " " << (answer).body

TEST_F(DispatcherTest, QueryAnswers) {
  const HttpAnswer answer = form("sts", "Action=GetCallerIdentity");
  EXPECT_EQ(answer.status, 200);
  EXPECT_HAS(answer,
             "<GetCallerIdentityResult><Account>000000000000</Account><Arn>arn:aws:iam::000000000000:root</Arn></"
             "GetCallerIdentityResult>");
  EXPECT_HAS(answer, "<ResponseMetadata><RequestId>");
  EXPECT_HAS(answer, "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"");
}

TEST_F(DispatcherTest, QueryByPresignedUrl) {
  HttpRequest request{
      .method = "GET", .target = "/?Action=GetCallerIdentity&Version=2011-06-15", .headers = {{"Host", "h"}}};
  presign_request(request, kKeys, "us-east-1", "sts", world.clock.wall(), std::chrono::seconds(60));
  EXPECT_EQ(dispatcher.handle(request).status, 200);
}

TEST_F(DispatcherTest, Ec2Answers) {
  const HttpAnswer answer = form("ec2", "Action=CreateVpc&CidrBlock=10.0.0.0%2F16");
  EXPECT_EQ(answer.status, 200);
  EXPECT_HAS(answer, "<CreateVpcResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>");
  EXPECT_HAS(answer, "<vpc><cidrBlock>10.0.0.0/16</cidrBlock></vpc>");
  EXPECT_EQ(ec2.regions, std::vector<std::string>{"ap-southeast-1"});
  EXPECT_HAS(form("ec2", "Action=DescribeVpcs&Filter.1.Name=tag:Name&Filter.1.Value.1=a&Filter.1.Value.2=b"),
             "<vpcSet/>");
  ASSERT_EQ(ec2.filters.size(), 1u);
  EXPECT_EQ(ec2.filters[0].Values, (List<std::string>{"a", "b"}));
  EXPECT_HAS(form("ec2", "Action=DeleteVpc&VpcId=vpc-1"), "<return>true</return>");
}

TEST_F(DispatcherTest, Ec2Refusals) {
  struct {
    const char* body;
    int status;
    const char* text;
  } cases[] = {
      {"Action=DeleteVpc", 400,
       "<Code>MissingParameter</Code><Message>The request must contain the parameter VpcId</Message>"},
      {"Action=CreateVpc&Wrong.1=x", 400,
       "<Code>UnknownParameter</Code><Message>The parameter Wrong.1 is not recognized</Message>"},
      {"Action=CreateVpc&AmazonProvidedIpv6CidrBlock=maybe", 400, "<Code>InvalidParameterValue</Code>"},
      {"Action=CreateVpc&InstanceTenancy=shared", 400, "<Code>InvalidParameterValue</Code>"},
      {"Action=CreateVpc&CidrBlock=10.0.0.0/8", 400,
       "<Code>InvalidVpc.Range</Code><Message>The CIDR '10.0.0.0/8' is invalid.</Message>"},
      {"Action=CreateVpc&CidrBlock=10.0.0.0/8&DryRun=true", 400, "<Code>InvalidVpc.Range</Code>"},
      {"Action=CreateVpc&DryRun=true", 412,
       "<Code>DryRunOperation</Code><Message>Request would have succeeded, but DryRun flag is set.</Message>"},
      {"Action=CreateNatGateway&SubnetId=x", 501, "The operation CreateNatGateway is not implemented by Brume."},
      {"Action=CreateMoon", 400, "<Code>InvalidAction</Code>"},
      {"Nothing=1", 400, "<Code>MissingAction</Code>"},
      {"Action=CreateVpc&CidrBlock=%zz", 400, "<Code>MalformedQueryString</Code>"},
      {"Action=CreateVpc&CidrBlock=a&CidrBlock=b", 400, "<Code>MalformedQueryString</Code>"},
  };
  for (const auto& c : cases) {
    const HttpAnswer answer = form("ec2", c.body);
    EXPECT_EQ(answer.status, c.status) << c.body;
    EXPECT_HAS(answer, c.text);
    EXPECT_HAS(answer, "<Response><Errors><Error>");
  }
  EXPECT_EQ(ec2.calls, 3);
}

TEST_F(DispatcherTest, RefusedSignatures) {
  Credentials wrong = kKeys, unknown = kKeys;
  wrong.secret_key = "other";
  unknown.access_key = "AKIDOTHER";
  const auto ask = [&](std::string_view service, const Credentials& keys) {
    return send(
        {.headers = {{"Content-Type", "application/x-www-form-urlencoded"}}, .body = "Action=GetCallerIdentity"},
        service, keys);
  };
  struct {
    std::string_view service;
    const Credentials& keys;
    int status;
    const char* code;
  } cases[] = {{"sts", wrong, 403, "<Code>SignatureDoesNotMatch</Code>"},
               {"sts", unknown, 403, "<Code>InvalidClientTokenId</Code>"},
               {"ec2", wrong, 401, "<Code>AuthFailure</Code>"},
               {"ec2", unknown, 401, "<Code>AuthFailure</Code>"}};
  for (const auto& c : cases) {
    const HttpAnswer answer = ask(c.service, c.keys);
    EXPECT_EQ(answer.status, c.status);
    EXPECT_HAS(answer, c.code);
  }
  const HttpAnswer none = dispatcher.handle({.headers = {{"Host", "h"}}, .body = "Action=GetCallerIdentity"});
  EXPECT_EQ(none.status, 403);
  EXPECT_HAS(none, "<Code>MissingAuthenticationToken</Code>");
  HttpRequest old{.headers = {{"Host", "h"}, {"Content-Type", "application/x-www-form-urlencoded"}},
                  .body = "Action=DescribeVpcs"};
  sign_request(old, kKeys, "r", "ec2", world.clock.wall() - std::chrono::hours(1));
  EXPECT_HAS(dispatcher.handle(old), "<Code>RequestExpired</Code>");
  EXPECT_HAS(send({.headers = {{"X-Amz-Target", "AmazonSSM.GetParameter"}}, .body = "{}"}, "ssm", unknown),
             "UnrecognizedClientException");
}

TEST_F(DispatcherTest, Json) {
  const HttpAnswer put = json("PutParameter", R"({"Name":"/a","Value":"v","Type":"String","Unknown":[1]})");
  EXPECT_EQ(put.status, 200);
  EXPECT_EQ(put.body, R"({"Version":1})");
  EXPECT_EQ(*find_header(put.headers, "Content-Type"), "application/x-amz-json-1.1");
  const HttpAnswer get = json("GetParameter", R"({"Name":"/a"})");
  EXPECT_EQ(get.status, 400);
  EXPECT_EQ(get.body, R"({"__type":"ParameterNotFound","message":"/a"})");
  EXPECT_HAS(json("GetParameter", "{}"),
             "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null");
  EXPECT_HAS(json("GetParameter", R"({"Name":""})"), "Member must have length greater than or equal to 1");
  EXPECT_HAS(json("PutParameter", R"({"Name":"a","Value":"v","Type":"Strong"})"),
             "Member must satisfy enum value set: [String, StringList, SecureString]");
  EXPECT_HAS(json("GetParameter", "{"), "SerializationException");
  EXPECT_HAS(json("Nothing", "{}"), "UnknownOperationException");
  EXPECT_EQ(json("SendCommand", "{}").status, 501);
  EXPECT_HAS(send({.headers = {{"X-Amz-Target", "Moon.Land"}}, .body = "{}"}, "moon"),
             "The service moon is not implemented by Brume.");
}

std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = uInt(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = uInt(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST_F(DispatcherTest, CompressedBodies) {
  const auto ask = [&](std::string body) {
    return send({.headers = {{"Content-Encoding", "gzip"}, {"X-Amz-Target", "AmazonSSM.PutParameter"}},
                 .body = std::move(body)},
                "ssm");
  };
  EXPECT_EQ(ask(gzip(R"({"Name":"a","Value":"zipped","Type":"String"})")).status, 200);
  EXPECT_EQ(ssm.stored, "zipped");
  EXPECT_EQ(ask("not gzip").status, 400);
  EXPECT_EQ(ask(gzip(std::string(20 << 20, ' '))).status, 413);
}

TEST_F(DispatcherTest, TheSameTokenGetsTheSameAnswer) {
  const auto ask = [&](const std::string& vpc, const std::string& token) {
    return form("ec2", "Action=CreateRouteTable&VpcId=" + vpc + "&ClientToken=" + token);
  };
  EXPECT_HAS(ask("vpc-1", "t1"), "rtb-1");
  EXPECT_HAS(ask("vpc-1", "t1"), "rtb-1");
  EXPECT_HAS(ask("vpc-1", "t2"), "rtb-2");
  const HttpAnswer other = ask("vpc-2", "t1");
  EXPECT_EQ(other.status, 400);
  EXPECT_HAS(other, "<Code>IdempotentParameterMismatch</Code>");
  world.loop.run_for(std::chrono::hours(25));
  EXPECT_HAS(ask("vpc-2", "t1"), "rtb-3");
  EXPECT_HAS(ask("vpc-2", "t3"), "rtb-4");
  EXPECT_EQ(backend.load("idempotency", "ap-southeast-1")->size(), 2u);  // the old ones are gone
}

TEST_F(DispatcherTest, TokensOutliveTheDaemon) {
  const std::string body = "Action=CreateRouteTable&VpcId=vpc-1&ClientToken=t1&Version=2016-11-15";
  EXPECT_HAS(form("ec2", "Action=CreateRouteTable&VpcId=vpc-1&ClientToken=t1"), "rtb-1");
  store::Store second_store(backend);
  Dispatcher second(world.env, second_store, [](std::string_view) { return std::optional(kKeys); });
  second.add(ec2::model(), [this](const std::string&) -> Result<void*> { return static_cast<ec2::Api*>(&ec2); });
  HttpRequest request{.headers = {{"Host", "h"}, {"Content-Type", "application/x-www-form-urlencoded"}}, .body = body};
  sign_request(request, kKeys, "ap-southeast-1", "ec2", world.clock.wall());
  EXPECT_HAS(second.handle(request), "rtb-1");
}

TEST_F(DispatcherTest, TemporaryKeysMayWhatTheirSessionMay) {
  const auto ask = [&](const char* service, const std::string& body, const Credentials& keys = kTemporary) {
    return send({.headers = {{"Content-Type", "application/x-www-form-urlencoded"}}, .body = body}, service, keys);
  };
  const std::string vpcs = "Action=DescribeVpcs&Version=2016-11-15",
                    who = "Action=GetCallerIdentity&Version=2011-06-15";
  EXPECT_HAS(ask("sts", who), "InvalidClientTokenId");  // temporary keys are not accepted yet
  FakeSessions sessions;
  dispatcher.accept(sessions);
  EXPECT_HAS(ask("ec2", vpcs), "<Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this");
  EXPECT_EQ(ask("ec2", vpcs).status, 403);
  EXPECT_HAS(ask("sts", who), "<Code>AccessDenied</Code><Message>User: arn:aws:sts::000000000000:assumed-role/web/i-1");
  sessions.allowed = "DescribeVpcs";
  EXPECT_EQ(ask("ec2", vpcs).status, 200);
  EXPECT_HAS(ask("ec2", "Action=DeleteVpc&VpcId=nonsense&Version=2016-11-15"), "UnauthorizedOperation");
  sessions.expired = true;
  EXPECT_HAS(ask("ec2", vpcs), "RequestExpired");
  EXPECT_HAS(ask("sts", who), "<Code>ExpiredToken</Code>");
  EXPECT_EQ(ask("sts", who, kKeys).status, 200);  // the owner's keys need no session
  Credentials mixed = kKeys;
  mixed.session_token = "token";
  sessions.expired = false;
  EXPECT_HAS(ask("sts", who, mixed), "InvalidClientTokenId");
}

TEST_F(DispatcherTest, InstancesAreServedWithARolesKeysOnly) {
  FakeSessions sessions;
  sessions.allowed = "GetCallerIdentity";
  dispatcher.accept(sessions);
  const auto ask = [&](const Credentials& keys) {
    HttpRequest request{.headers = {{"Host", "h"}, {"Content-Type", "application/x-www-form-urlencoded"}},
                        .body = "Action=GetCallerIdentity&Version=2011-06-15"};
    sign_request(request, keys, "ap-southeast-1", "sts", world.clock.wall());
    return dispatcher.handle(request, Dispatcher::From::instance);
  };
  EXPECT_EQ(ask(kTemporary).status, 200);
  EXPECT_HAS(ask(kKeys), "InvalidClientTokenId");
}

// Runs what is handed to it only when told, as other threads would.
struct Later {
  std::vector<std::pair<std::function<void()>, std::function<void()>>> jobs;
  void step() {
    auto taken = std::exchange(jobs, {});
    for (auto& [work, done] : taken) work(), done();
  }
  Dispatcher::Aside aside(std::string_view operation) {
    return {{operation}, [this](auto work, auto done) { jobs.emplace_back(std::move(work), std::move(done)); }};
  }
};

TEST_F(DispatcherTest, WhatRunsAsideIsAnsweredLaterAndJudgedOnTheLoop) {
  Later later;
  FakeSessions sessions;
  Dispatcher aside(world.env, store,
                   [](std::string_view key) { return key == kKeys.access_key ? std::optional(kKeys) : std::nullopt; });
  aside.accept(sessions);
  aside.add(
      sts::model(), [this](const std::string&) -> Result<void*> { return static_cast<sts::Api*>(&sts); },
      later.aside("GetCallerIdentity"));
  std::vector<HttpAnswer> answers;
  std::vector<std::string> told;
  aside.tell([&](const Dispatcher::Answered& one) {
    told.push_back(fmt::format("{} {} {} {}", one.access_key, one.operation.name, one.error ? one.error->code : "",
                               one.output ? "answered" : ""));
  });
  const auto ask = [&](const Credentials& keys, const std::string& body) {
    HttpRequest request{.headers = {{"Host", "h"}, {"Content-Type", "application/x-www-form-urlencoded"}},
                        .body = body};
    sign_request(request, keys, "ap-southeast-1", "sts", world.clock.wall());
    aside.handle(std::move(request), [&](HttpAnswer answer) { answers.push_back(std::move(answer)); });
  };
  const std::string who = "Action=GetCallerIdentity&Version=2011-06-15";
  ask(kKeys, who);
  ask(kTemporary, who);
  EXPECT_TRUE(answers.empty());
  later.step();  // read; the one that may not is refused without being carried out
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_HAS(answers[0], "<Code>AccessDenied</Code>");
  later.step();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_HAS(answers[1], "arn:aws:iam::000000000000:root");
  EXPECT_TRUE(later.jobs.empty());

  ask(kKeys, "Action=Nonsense&Version=2011-06-15");  // refused at once
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_HAS(answers[2], "InvalidAction");
  EXPECT_EQ(told, (std::vector<std::string>{"ASIATEST GetCallerIdentity AccessDenied ",
                                            "AKIDTEST GetCallerIdentity  answered"}));
}

TEST_F(DispatcherTest, AnErrandIsRunAsideBeforeItsOperation) {
  Later later;
  FakeSessions sessions;
  dispatcher.accept(sessions);
  int errands = 0;
  Result<void> found;
  dispatcher.run_first(
      sts::model(), "GetCallerIdentity",
      [&](const Call&, const void*) -> Result<Dispatcher::Errand> {
        return [&] {
          ++errands;
          return found;
        };
      },
      later.aside("").run);
  std::vector<HttpAnswer> answers;
  const auto ask = [&](const Credentials& keys) {
    HttpRequest request{.headers = {{"Host", "h"}, {"Content-Type", "application/x-www-form-urlencoded"}},
                        .body = "Action=GetCallerIdentity&Version=2011-06-15"};
    sign_request(request, keys, "ap-southeast-1", "sts", world.clock.wall());
    dispatcher.handle(std::move(request), [&](HttpAnswer answer) { answers.push_back(std::move(answer)); });
  };
  ask(kTemporary);  // who may not, sends nobody
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_HAS(answers[0], "<Code>AccessDenied</Code>");
  ask(kKeys);
  EXPECT_EQ(answers.size(), 1U);
  later.step();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_HAS(answers[1], "arn:aws:iam::000000000000:root");
  found = fail("InvalidParameterException", "Nobody is there.");
  ask(kKeys);
  later.step();
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_HAS(answers[2], "Nobody is there.");
  EXPECT_EQ(errands, 2);
  EXPECT_HAS(form("sts", "Action=GetCallerIdentity"), "Nobody is there.");  // where all is answered at once
}

TEST_F(DispatcherTest, TellsWhoCalledWhat) {
  std::vector<std::string> told;
  dispatcher.tell([&](const Dispatcher::Answered& one) {
    const auto* input = static_cast<const ec2::CreateVpcRequest*>(one.input);
    told.push_back(fmt::format("{} {} {} {} {} {} {}", one.call.principal_arn, one.call.region, one.user_agent,
                               one.operation.name, input->CidrBlock.value_or("-"), one.error ? one.error->code : "ok",
                               one.output != nullptr));
  });
  const auto create = [&](const std::string& block, const Credentials& keys) {
    return send({.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"User-Agent", "me/1"}},
                 .body = "Action=CreateVpc&Version=2016-11-15&CidrBlock=" + block},
                "ec2", keys);
  };
  create("10.0.0.0/16", kKeys);
  create("10.0.0.0/8", kKeys);
  Credentials wrong = kKeys;
  wrong.secret_key = "guess";
  create("10.0.0.0/16", wrong);
  const std::string who = "arn:aws:iam::000000000000:root ap-southeast-1 me/1 CreateVpc ";
  EXPECT_EQ(told, (std::vector<std::string>{who + "10.0.0.0/16 ok true", who + "10.0.0.0/8 InvalidVpc.Range false"}))
      << "nobody is taken for somebody whose signature was not verified";
}

TEST_F(DispatcherTest, WhatIsNotOnDiskIsNotAcknowledged) {
  backend.full = true;
  EXPECT_GE(form("ec2", "Action=CreateRouteTable&VpcId=vpc-1&ClientToken=t1").status, 400);
}

}  // namespace
}  // namespace brume::aws
