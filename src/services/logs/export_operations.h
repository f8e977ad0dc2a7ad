// Exports of log groups: CreateExportTask writes them to a bucket, where Brume is told of an S3, else to files.
//
// Laid out as AWS does: <bucket>/<prefix>/<task>/<stream>/000000.gz, where without an S3 a bucket is a folder below the
// export folder. One task at a time, as on AWS. A task that a restart interrupted begins anew; a cancelled one leaves
// what it had written.
#pragma once

#include <atomic>
#include <memory>

#include "env/aside.h"
#include "logs/api.h"
#include "logstore/event_store.h"
#include "services/common/context.h"
#include "services/common/outside.h"
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
                   env::Aside aside, std::string folder, const services::Outside& outside);

  using Call = aws::Call;
  Result<CreateExportTaskResponse> CreateExportTask(const Call&, const CreateExportTaskRequest&) override;
  Result<void> CancelExportTask(const Call&, const CancelExportTaskRequest&) override;
  Result<DescribeExportTasksResponse> DescribeExportTasks(const Call&, const DescribeExportTasksRequest&) override;

  // What is to run on another thread before CreateExportTask is carried out: writing the object by which AWS tests a
  // bucket. Empty where exports go to files.
  Result<std::function<Result<void>()>> export_errand(const CreateExportTaskRequest& request);

 protected:
  Result<void> load_exports();
  // Goes on with what was under way.
  void start_exports();

 private:
  // Of a request, which may be.
  Result<ExportRecord> check(const CreateExportTaskRequest& request) const;
  void run(const std::string& id);
  // Of the task's events, on another thread. `again`: an earlier daemon may have begun it.
  Result<void> write_files(const logstore::Read& read, const std::string& folder, const std::atomic<bool>& cancelled);
  Result<void> write_objects(const logstore::Read& read, bool again, const std::string& bucket,
                             const std::string& prefix, const std::atomic<bool>& cancelled);
  void ended(const std::string& id, const std::string& code, const std::string& message);

  services::Context context_;
  logstore::EventStore& store_;
  const GroupOperations& groups_;
  env::Aside aside_;
  std::string folder_;
  const services::Outside& outside_;
  store::Table<ExportRecord> exports_;
  std::shared_ptr<std::atomic<bool>> cancelled_;  // of the one under way
};

}  // namespace brume::logs
