#include "services/logs/export_files.h"

namespace brume::logs {

Result<void> ExportFiles::add(const std::string& stream, std::string_view member) {
  std::string path = folder_ + "/" + stream;
  if (stream.starts_with('.')) path[folder_.size() + 1] = '-';
  BRUME_CHECK(files_.make_folders(path));
  return files_.append(path + "/000000.gz", member);
}

}  // namespace brume::logs
