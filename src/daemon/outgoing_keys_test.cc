#include "daemon/outgoing_keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "daemon/settings.h"
#include "env/posix_files.h"
#include "env/temporary_folder.h"

namespace brume::daemon {
namespace {

constexpr const char* kFile = R"(# keys of mine
[other]
aws_access_key_id = AKIDOTHER
aws_secret_access_key = other
[ default ]
aws_access_key_id=AKID
AWS_SECRET_ACCESS_KEY =  a/b+c=
; a comment
aws_session_token = token
region = eu-west-1
)";

TEST(OutgoingKeys, OfASharedCredentialsFile) {
  const auto keys = parse_credentials(kFile, "default");
  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_EQ(keys->access_key, "AKID");
  EXPECT_EQ(keys->secret_key, "a/b+c=");
  EXPECT_EQ(keys->session_token, "token");
  EXPECT_EQ(parse_credentials(kFile, "other")->session_token, "");
  EXPECT_EQ(parse_credentials(kFile, "third").error().code, "NoCredentials");
  EXPECT_FALSE(parse_credentials("[default]\naws_access_key_id = AKID", "default"));
}

TEST(OutgoingKeys, OnlyOfAFileThatOthersCannotRead) {
  const env::TemporaryFolder folder;
  env::PosixFiles files;
  const std::string path = folder.path() + "/credentials";
  ASSERT_TRUE(files.write(path, kFile, 0600));
  EXPECT_EQ(outgoing_keys(folder.path())->access_key, "AKID");
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  const auto refused = outgoing_keys(folder.path());
  EXPECT_TRUE(refused.error().message.contains("chmod 600"));
  EXPECT_FALSE(refused.error().message.contains("AKID"));
}

TEST(Endpoints, AreOfServicesElsewhereAndPlain) {
  Settings settings;
  EXPECT_TRUE(add_endpoint(settings, "kinesis=http://127.0.0.1:5000"));
  EXPECT_TRUE(add_endpoint(settings, "s3=https://s3.example"));
  EXPECT_EQ(settings.endpoints["kinesis"], "http://127.0.0.1:5000");
  for (const char* wrong : {"", "kinesis", "kinesis=", "kinesis=127.0.0.1", "kinesis=http://", "kinesis=http://a/path",
                            "sqs=http://127.0.0.1:5000", "kinesis=ftp://a"})
    EXPECT_EQ(add_endpoint(settings, wrong).error().code, "InvalidSettings") << wrong;
}

}  // namespace
}  // namespace brume::daemon
