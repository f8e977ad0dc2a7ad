// An export's files as objects of a bucket: "<prefix>/<stream>/000000.gz", and 000001 and so on for what is long.
//
// An object is held in memory until it is written: 8 MiB, 32 MiB of all, then the largest goes.
#pragma once

#include <map>

#include "services/logs/bucket.h"
#include "services/logs/export_events.h"

namespace brume::logs {

class ExportObjects : public ExportSink {
 public:
  ExportObjects(Bucket bucket, std::string prefix) : bucket_(std::move(bucket)), prefix_(std::move(prefix)) {}
  Result<void> add(const std::string& stream, std::string_view member) override;
  Result<void> finish() override;

 private:
  struct Object {
    std::string bytes;
    unsigned number = 0;
  };
  Result<void> write(const std::string& stream, Object& object);

  Bucket bucket_;
  std::string prefix_;
  std::map<std::string, Object> objects_;  // those to be written, by stream
  std::size_t held_ = 0;
};

}  // namespace brume::logs
