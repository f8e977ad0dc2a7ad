// An export's files in a folder of this machine: one a stream, in a folder of its own, whole at any time.
#pragma once

#include "env/files.h"
#include "services/logs/export_events.h"

namespace brume::logs {

class ExportFiles : public ExportSink {
 public:
  ExportFiles(env::Files& files, std::string folder) : files_(files), folder_(std::move(folder)) {}
  Result<void> add(const std::string& stream, std::string_view member) override;
  Result<void> finish() override { return {}; }

 private:
  env::Files& files_;
  std::string folder_;
};

}  // namespace brume::logs
