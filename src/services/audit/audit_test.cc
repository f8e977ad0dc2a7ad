#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "ec2/api.h"
#include "env/sim.h"
#include "services/audit/record.h"
#include "services/audit/trail.h"
#include "services/common/recorded_logs.h"
#include "sts/api.h"

namespace brume::audit {
namespace {

using std::chrono::seconds;
constexpr const char* kStream = "000000000000_CloudTrail_ap-southeast-1";

// Calls as the dispatcher tells of them.
class Calls {
 public:
  void make(const aws::ServiceModel& service, const char* operation, const void* input, const void* output,
            const Error* error, const std::function<void(const aws::Dispatcher::Answered&)>& to) const {
    to({call, service, *service.find(operation), access_key, user_agent, input, output, error});
  }
  std::string record(const aws::ServiceModel& service, const char* operation, const void* input, const void* output,
                     const Error* error = nullptr) const {
    std::string text;
    make(service, operation, input, output, error, [&](const auto& answered) {
      text = record_of(answered, Timestamp(std::chrono::milliseconds(1'530'570'180'123)), "event");
    });
    return text;
  }

  aws::Call call{.region = "ap-southeast-1",
                 .request_id = "request",
                 .principal_arn = "arn:aws:iam::000000000000:root",
                 .user_id = "000000000000",
                 .source_address = "127.0.0.1"};
  std::string access_key = "AKIA1", user_agent = "aws-cli/2";
};

TEST(AuditRecord, OfACallThatMakesSomething) {
  ec2::CreateKeyPairRequest input;
  input.KeyName = "mine";
  ec2::KeyPair output;
  output.KeyName = "mine";
  output.KeyMaterial = "-----BEGIN";
  EXPECT_EQ(Calls().record(ec2::model(), "CreateKeyPair", &input, &output),
            R"({"eventVersion":"1.11","userIdentity":{"type":"Root","principalId":"000000000000",)"
            R"("arn":"arn:aws:iam::000000000000:root","accountId":"000000000000","accessKeyId":"AKIA1"},)"
            R"("eventTime":"2018-07-02T22:23:00Z","eventSource":"ec2.amazonaws.com","eventName":"CreateKeyPair",)"
            R"("awsRegion":"ap-southeast-1","sourceIPAddress":"127.0.0.1","userAgent":"aws-cli/2",)"
            R"("requestParameters":{"keyName":"mine"},)"
            R"("responseElements":{"keyName":"mine","keyMaterial":"HIDDEN_DUE_TO_SECURITY_REASONS"},)"
            R"("requestID":"request","eventID":"event","readOnly":false,"eventType":"AwsApiCall",)"
            R"("managementEvent":true,"recipientAccountId":"000000000000","eventCategory":"Management"})");
}

TEST(AuditRecord, OfARolesCallThatIsDenied) {
  Calls calls;
  calls.call.principal_arn = "arn:aws:sts::000000000000:assumed-role/web/i-1";
  calls.call.user_id = "AROA1:i-1";
  ec2::RunInstancesRequest input;
  input.UserData = "c2VjcmV0";
  input.MinCount = 1;
  const Error denied{"UnauthorizedOperation", "You are not authorized", 403};
  const auto record =
      boost::json::parse(calls.record(ec2::model(), "RunInstances", &input, nullptr, &denied)).as_object();
  EXPECT_EQ(boost::json::serialize(record.at("userIdentity")),
            R"({"type":"AssumedRole","principalId":"AROA1:i-1",)"
            R"("arn":"arn:aws:sts::000000000000:assumed-role/web/i-1","accountId":"000000000000",)"
            R"("accessKeyId":"AKIA1","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA1",)"
            R"("accountId":"000000000000","userName":"web"},"attributes":{"mfaAuthenticated":"false"}}})");
  EXPECT_EQ(record.at("errorCode"), "Client.UnauthorizedOperation");
  EXPECT_EQ(record.at("errorMessage"), "You are not authorized");
  EXPECT_EQ(boost::json::serialize(record.at("requestParameters")),
            R"({"minCount":1,"userData":"HIDDEN_DUE_TO_SECURITY_REASONS"})");
  EXPECT_TRUE(record.at("responseElements").is_null());
}

TEST(AuditRecord, KeysAreHidden) {
  sts::AssumeRoleResponse output;
  output.Credentials.emplace();
  output.Credentials->AccessKeyId = "ASIA1";
  output.Credentials->SecretAccessKey = "hush";
  output.Credentials->SessionToken = "quiet";
  sts::AssumeRoleRequest input;
  input.RoleArn = "arn:aws:iam::000000000000:role/web";
  const std::string record = Calls().record(sts::model(), "AssumeRole", &input, &output);
  EXPECT_EQ(record.find("hush"), std::string::npos);
  EXPECT_EQ(record.find("quiet"), std::string::npos);
  EXPECT_NE(record.find(R"("readOnly":true)"), std::string::npos);
}

TEST(AuditRecord, BadAndLongTextIsBounded) {
  Calls calls;
  calls.user_agent = "\xff\xfe";
  ec2::CreateKeyPairRequest input;
  input.KeyName = std::string(50'000, 'x');
  const std::string record = calls.record(ec2::model(), "CreateKeyPair", &input, nullptr);
  EXPECT_LT(record.size(), 20'000U);
  EXPECT_NE(record.find("(2 bytes that are no text)"), std::string::npos);
  ec2::DescribeInstancesRequest many;
  for (int i = 0; i < 20'000; ++i) many.InstanceIds.push_back("i-0123456789");
  EXPECT_NE(calls.record(ec2::model(), "DescribeInstances", &many, nullptr).find(R"("omitted":true)"),
            std::string::npos);
}

TEST(AuditRecord, WhichCalls) {
  const Error error{"UnauthorizedOperation", "", 403};
  const struct {
    const aws::ServiceModel& service;
    const char* operation;
    bool failed, usually, with_reads;
  } cases[] = {
      {ec2::model(), "RunInstances", false, true, true},       {ec2::model(), "DescribeInstances", false, false, true},
      {ec2::model(), "DescribeInstances", true, true, true},   {sts::model(), "AssumeRole", false, true, true},
      {sts::model(), "GetCallerIdentity", false, false, true},
  };
  for (const auto& one : cases)
    Calls().make(one.service, one.operation, nullptr, nullptr, one.failed ? &error : nullptr,
                 [&](const auto& answered) {
                   EXPECT_EQ(is_recorded(answered, false), one.usually) << one.operation;
                   EXPECT_EQ(is_recorded(answered, true), one.with_reads) << one.operation;
                 });
}

class TrailTest : public testing::Test {
 protected:
  void call(const char* operation = "RunInstances") {
    calls.make(ec2::model(), operation, nullptr, nullptr, nullptr, [&](const auto& one) { trail.note(one); });
  }
  std::vector<std::string>& recorded() { return logs.streams[kGroup][kStream]; }

  env::SimEnv sim;
  services::RecordedLogs logs;
  Calls calls;
  Trail trail{sim.env, [this](const std::string&) { return &logs; }, false, {.records = 2'000}};
};

TEST_F(TrailTest, RecordsArriveWithinASecond) {
  call("DescribeInstances");
  sim.loop.run_for(seconds(2));
  EXPECT_TRUE(logs.groups.empty());
  call();
  call();
  sim.loop.run_for(std::chrono::milliseconds(1'010));
  EXPECT_EQ(recorded().size(), 2U);
  EXPECT_EQ(logs.retentions[kGroup], 14);
  for (int i = 0; i < 1'000; ++i) call();
  sim.loop.run_for(std::chrono::milliseconds(10));
  EXPECT_EQ(recorded().size(), 1'002U) << "a thousand do not wait";
  const auto executed = sim.loop.executed();
  sim.loop.run_for(seconds(60));
  EXPECT_LE(sim.loop.executed() - executed, 1U) << "nothing to do, nothing done";
}

TEST_F(TrailTest, AFullDiskLosesOnlyWhatDoesNotFit) {
  logs.full = true;
  for (int i = 0; i < 100; ++i) {
    for (int n = 0; n < 10; ++n) call();
    sim.loop.run_for(seconds(3));
  }
  logs.full = false;
  sim.loop.run_for(seconds(90));
  EXPECT_EQ(recorded().size(), 1'000U);
  logs.full = true;
  for (int i = 0; i < 3'000; ++i) call();
  sim.loop.run_for(seconds(10));
  logs.full = false;
  sim.loop.run_for(seconds(90));
  EXPECT_EQ(recorded().size(), 3'000U) << "2,000 wait at most";
  call();
  sim.loop.run_for(seconds(2));
  EXPECT_EQ(recorded().size(), 3'001U);
}

TEST_F(TrailTest, AnOrderlyEndLosesNone) {
  call();
  sim.loop.run_for(std::chrono::milliseconds(1'000));  // handed to the worker, whose answer is never heard
  call();
  sim.loop.clear();
  trail.flush();
  EXPECT_EQ(recorded().size(), 2U);
}

}  // namespace
}  // namespace brume::audit
