// Exports of log groups: CreateExportTask writes them to files, laid out as AWS lays them out in a bucket.
//
// A bucket is a folder below the export folder:
// <folder>/<bucket>/<prefix>/<task>/<stream>/000000.gz, a line an event: its time and its message. There is no S3 here
// to write to. One task at a time, as on AWS. A task that a restart interrupted begins anew; a cancelled one leaves
// what it had written.
#pragma once

#include <atomic>
#include <memory>

#include "env/aside.h"
#include "logs/api.h"
#include "logstore/event_store.h"
#include "services/common/context.h"
#include "store/table.h"

namespace brume::logs {

class GroupOperations;

// Key: the task's id.
struct ExportRecord {
  ExportTask task;
  std::string stream_prefix;
};

}  // namespace brume::logs

BRUME_RECORD(brume::logs::ExportRecord, task, stream_prefix)

namespace brume::logs {

class ExportOperations : public virtual Api {
 public:
  ExportOperations(services::Context context, logstore::EventStore& store, const GroupOperations& groups,
                   env::Aside aside, std::string folder);

  using Call = aws::Call;
  Result<CreateExportTaskResponse> CreateExportTask(const Call&, const CreateExportTaskRequest&) override;
  Result<void> CancelExportTask(const Call&, const CancelExportTaskRequest&) override;
  Result<DescribeExportTasksResponse> DescribeExportTasks(const Call&, const DescribeExportTasksRequest&) override;

 protected:
  Result<void> load_exports();
  // Goes on with what was under way.
  void start_exports();

 private:
  void run(const std::string& id);
  void ended(const std::string& id, const std::string& code, const std::string& message);

  services::Context context_;
  logstore::EventStore& store_;
  const GroupOperations& groups_;
  env::Aside aside_;
  std::string folder_;
  store::Table<ExportRecord> exports_;
  std::shared_ptr<std::atomic<bool>> cancelled_;  // of the one under way
};

}  // namespace brume::logs
