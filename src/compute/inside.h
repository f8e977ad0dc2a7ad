// Files of a root file system that is not trusted: links in it, also absolute ones, lead nowhere out of it
// (openat2(2), RESOLVE_IN_ROOT).
#pragma once

#include <string>

namespace brume::compute {

// The file's content, at most a megabyte of it; empty if it is not a regular file.
std::string read_inside(const std::string& root, const std::string& path);
bool is_folder_inside(const std::string& root, const std::string& path);

}  // namespace brume::compute
