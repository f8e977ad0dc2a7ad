#include "compute/init/user_data.h"

namespace brume::init {

UserData classify(std::string_view bytes) {
  if (bytes.find_first_not_of(" \t\r\n") == std::string_view::npos) return UserData::none;
  if (bytes.starts_with("#!")) return UserData::script;
  if (bytes.starts_with("#cloud-config")) return UserData::cloud_config;
  if (bytes.starts_with("#include")) return UserData::include;
  if (bytes.starts_with("#cloud-boothook")) return UserData::boothook;
  if (bytes.starts_with("Content-Type:") || bytes.starts_with("MIME-Version:")) return UserData::multipart;
  if (bytes.starts_with("## template: jinja")) return UserData::jinja;
  if (bytes.starts_with("\x1f\x8b")) return UserData::compressed;
  return UserData::unknown;
}

const char* describe(UserData kind) {
  switch (kind) {
    case UserData::none:
      return "nothing";
    case UserData::script:
      return "a script";
    case UserData::cloud_config:
      return "a #cloud-config document";
    case UserData::include:
      return "an #include list";
    case UserData::boothook:
      return "a #cloud-boothook";
    case UserData::multipart:
      return "a MIME multipart document";
    case UserData::jinja:
      return "a jinja template";
    case UserData::compressed:
      return "compressed with gzip";
    case UserData::unknown:
      return "of an unknown kind";
  }
  return "of an unknown kind";
}

bool is_instance_id(std::string_view text) {
  return text.starts_with("i-") && text.size() > 2 && text.size() <= 64 &&
         text.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos;
}

}  // namespace brume::init
