#include "cli/image.h"

#include <stdlib.h>

#include <cstdio>
#include <thread>

namespace brume::cli {

Result<std::string> ensure_image(Session& session, const std::string& name, const std::string& source) {
  const auto find = [&](const List<ec2::Filter>& filters) -> Result<std::optional<ec2::Image>> {
    ec2::DescribeImagesRequest request;
    request.Owners = {std::string("self")};
    request.Filters = filters;
    BRUME_TRY(found, session.ec2.DescribeImages(session.call, request));
    if (found.Images.empty()) return std::nullopt;
    return found.Images.front();
  };
  BRUME_TRY(existing, find({{"name", {name}}}));
  std::string id;
  if (existing && *existing->State != "failed") {
    id = *existing->ImageId;
  } else {
    if (existing) {
      ec2::DeregisterImageRequest request;
      request.ImageId = existing->ImageId;
      BRUME_CHECK(session.ec2.DeregisterImage(session.call, request));
    }
    ec2::RegisterImageRequest request;
    request.Name = name;
    request.ImageLocation = "file://" + source;
    request.Architecture = "x86_64";
    request.VirtualizationType = "hvm";
    request.RootDeviceName = "/dev/xvda";
    BRUME_TRY(registered, session.ec2.RegisterImage(session.call, request));
    id = *registered.ImageId;
  }
  while (true) {
    BRUME_TRY(image, find({{"image-id", {id}}}));
    if (!image) return fail("InvalidAMIID.NotFound", "The image {} is gone", id);
    if (*image->State == "available") return id;
    if (*image->State == "failed")
      return fail("ImportFailed", "{} could not be imported: {}", source,
                  image->StateReason ? image->StateReason->Message.value_or("no reason given") : "no reason given");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

Result<void> set_image_parameter(Session& session, const std::string& parameter, const std::string& image_id) {
  const auto current = session.ssm.GetParameter(session.call, {.Name = parameter});
  if (current && *current->Parameter->Value == image_id) return {};
  ssm::PutParameterRequest request;
  request.Name = parameter;
  request.Value = image_id;
  request.Type = "String";
  request.DataType = "aws:ec2:image";
  request.Overwrite = true;
  BRUME_CHECK(session.ssm.PutParameter(session.call, request));
  return {};
}

int image_import(const daemon::Settings& settings, const std::string& source, std::string name,
                 const std::string& parameter) {
  char* absolute = ::realpath(source.c_str(), nullptr);
  if (!absolute) return report({"InvalidParameterValue", fmt::format("There is no {}", source), 400});
  const std::string path = absolute;
  ::free(absolute);
  if (name.empty()) name = path.substr(path.rfind('/') + 1);
  const auto session = open_session(settings);
  if (!session) return report(session.error());
  const auto id = ensure_image(**session, name, path);
  if (!id) return report(id.error());
  if (!parameter.empty())
    if (auto set = set_image_parameter(**session, parameter, *id); !set) return report(set.error());
  std::printf("%s\n", id->c_str());
  return 0;
}

}  // namespace brume::cli
