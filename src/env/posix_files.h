// Files on a POSIX system.
#pragma once

#include "env/files.h"

namespace brume::env {

class PosixFiles : public Files {
 public:
  [[nodiscard]] bool exists(const std::string& path) const override;
  [[nodiscard]] Result<std::string> read(const std::string& path) const override;
  [[nodiscard]] Result<std::string> read_tail(const std::string& path, std::size_t limit) const override;
  Result<void> write(const std::string& path, std::string_view content, unsigned mode) override;
  Result<void> append(const std::string& path, std::string_view content, unsigned mode) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<FileInfo> info(const std::string& path) const override;
  Result<void> make_folders(const std::string& path, unsigned mode) override;
  Result<void> remove_all(const std::string& path) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& path) const override;
};

}  // namespace brume::env
