// What user data is, by its first bytes (Amazon EC2 user guide, "Run commands on your instance at launch"). Pure.
#pragma once

#include <string_view>

namespace brume::init {

enum class UserData { none, script, cloud_config, include, boothook, multipart, jinja, compressed, unknown };

UserData classify(std::string_view bytes);
// For the console: "a #cloud-config document".
const char* describe(UserData kind);
// May an instance id from the network become part of a file name?
bool is_instance_id(std::string_view text);

}  // namespace brume::init
