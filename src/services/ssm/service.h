// SSM: Parameter Store (parameters with versions, hierarchies and tags) and Session Manager's sessions.
//
// SecureString values are refused: there is no key management here to keep them secret with. Public parameters under
// /aws/service/ are not provided.
#pragma once

#include "services/common/context.h"
#include "services/ssm/sessions.h"
#include "ssm/api.h"
#include "store/table.h"

namespace brume::ssm {

struct ParameterRecord {
  List<ParameterHistory> versions;  // oldest first, at most 100; never empty
  List<Tag> tags;
};

}  // namespace brume::ssm

BRUME_RECORD(brume::ssm::ParameterRecord, versions, tags)

namespace brume::ssm {

// What sessions need to know of instances.
struct SessionTargets {
  std::function<bool(const std::string& instance_id)> runs;
  std::uint16_t api_port = 4566;  // where the data channels are
};

class Service : public Api {
 public:
  // Tells whether an image id exists: for parameters of data type aws:ec2:image.
  using ImageExists = std::function<bool(const std::string& image_id)>;
  Service(services::Context context, ImageExists image_exists, SessionTargets targets = {});
  Result<void> load();

  using Call = aws::Call;
  Result<PutParameterResult> PutParameter(const Call&, const PutParameterRequest&) override;
  Result<GetParameterResult> GetParameter(const Call&, const GetParameterRequest&) override;
  Result<GetParametersResult> GetParameters(const Call&, const GetParametersRequest&) override;
  Result<GetParametersByPathResult> GetParametersByPath(const Call&, const GetParametersByPathRequest&) override;
  Result<DescribeParametersResult> DescribeParameters(const Call&, const DescribeParametersRequest&) override;
  Result<GetParameterHistoryResult> GetParameterHistory(const Call&, const GetParameterHistoryRequest&) override;
  Result<DeleteParameterResult> DeleteParameter(const Call&, const DeleteParameterRequest&) override;
  Result<DeleteParametersResult> DeleteParameters(const Call&, const DeleteParametersRequest&) override;
  Result<AddTagsToResourceResult> AddTagsToResource(const Call&, const AddTagsToResourceRequest&) override;
  Result<RemoveTagsFromResourceResult> RemoveTagsFromResource(const Call&,
                                                              const RemoveTagsFromResourceRequest&) override;
  Result<ListTagsForResourceResult> ListTagsForResource(const Call&, const ListTagsForResourceRequest&) override;
  Result<StartSessionResponse> StartSession(const Call&, const StartSessionRequest&) override;
  Result<TerminateSessionResponse> TerminateSession(const Call&, const TerminateSessionRequest&) override;
  Result<DescribeSessionsResponse> DescribeSessions(const Call&, const DescribeSessionsRequest&) override;

  // For whoever carries the data channels.
  [[nodiscard]] Sessions& sessions() { return sessions_; }

 private:
  // `reference` is a name, an ARN, or either followed by ":version".
  Result<Parameter> find(const std::string& reference) const;
  Result<const ParameterRecord*> find_record(const std::string& name) const;
  [[nodiscard]] std::string arn_of(const std::string& name) const;

  [[nodiscard]] std::string stream_url(const Call& call, const std::string& session_id) const;

  services::Context context_;
  SessionTargets targets_;
  Sessions sessions_;
  ImageExists image_exists_;
  store::Table<ParameterRecord> parameters_;
};

}  // namespace brume::ssm
