#include "services/logs/export_operations.h"

#include <algorithm>

#include "base/log.h"
#include "services/common/page.h"
#include "services/logs/export_files.h"
#include "services/logs/export_objects.h"
#include "services/logs/group_operations.h"

namespace brume::logs {
namespace {

bool is_active(const ExportTask& task) {
  return task.status->code == "PENDING" || task.status->code == "RUNNING" || task.status->code == "PENDING_CANCEL";
}

// Part of a path: S3's names of buckets are such, and no prefix may lead out of the bucket's folder.
bool is_path(std::string_view text, std::string_view also) {
  return !text.starts_with('.') && text.find("/.") == std::string_view::npos && !text.starts_with('/') &&
         std::ranges::all_of(text, [&](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  also.find(c) != std::string_view::npos;
         });
}

}  // namespace

ExportOperations::ExportOperations(services::Context context, logstore::EventStore& store,
                                   const GroupOperations& groups, env::Aside aside, std::string folder,
                                   const services::Outside& outside)
    : context_(std::move(context)),
      store_(store),
      groups_(groups),
      aside_(std::move(aside)),
      folder_(std::move(folder)),
      outside_(outside),
      exports_(context_.store, "log-exports", context_.region) {}

Result<void> ExportOperations::load_exports() {
  return exports_.load();
}

void ExportOperations::start_exports() {
  for (const auto& [id, record] : exports_.rows())
    if (record.task.status->code == "PENDING_CANCEL")
      ended(id, "CANCELLED", "");
    else if (is_active(record.task))
      return run(id);
}

Result<ExportRecord> ExportOperations::check(const CreateExportTaskRequest& request) const {
  BRUME_TRY(group, groups_.find_group(*request.logGroupName));
  if (*request.from > *request.to)
    return fail("InvalidParameterException", "from {} is after to {}.", *request.from, *request.to);
  const std::string prefix = request.destinationPrefix.value_or("exportedlogs");
  if (!is_path(*request.destination, ".-") || request.destination->size() > 63)
    return fail("InvalidParameterException", "{} is not the name of a bucket.", *request.destination);
  if (!is_path(prefix, "._-/"))
    return fail("InvalidParameterException",
                "destinationPrefix {} may have the characters a-z, A-Z, 0-9, '.', '_', '-' and '/', and no part of it "
                "may begin with '.'.",
                prefix);
  for (const auto& [id, record] : exports_.rows())
    if (is_active(record.task))
      return fail("LimitExceededException", "The export task {} is under way: one runs at a time.", id);
  return ExportRecord{
      .task = {.taskId = context_.env.random.uuid(),
               .taskName = request.taskName,
               .logGroupName = group->name,
               .from = request.from,
               .to = request.to,
               .destination = request.destination,
               .destinationPrefix = prefix,
               .status = ExportTaskStatus{.code = "PENDING", .message = std::nullopt},
               .executionInfo =
                   ExportTaskExecutionInfo{.creationTime = context_.env.clock.wall().time_since_epoch().count(),
                                           .completionTime = std::nullopt}},
      .stream_prefix = request.logStreamNamePrefix.value_or("")};
}

Result<std::function<Result<void>()>> ExportOperations::export_errand(const CreateExportTaskRequest& request) {
  BRUME_TRY(record, check(request));
  if (!outside_.calls.reaches("s3")) return std::function<Result<void>()>();
  return [this, task = record.task]() -> Result<void> {
    const Bucket bucket(outside_.calls, context_.region, *task.destination);
    const auto written = bucket.put(*task.destinationPrefix + "/aws-logs-write-test", "Permission Check Successful");
    if (written) return {};
    return fail("InvalidParameterException",
                "PutObject call on the given bucket failed. Please check if CloudWatch Logs has been granted "
                "permission to perform this operation. ({})",
                written.error().message);
  };
}

Result<CreateExportTaskResponse> ExportOperations::CreateExportTask(const Call&,
                                                                    const CreateExportTaskRequest& request) {
  BRUME_TRY(record, check(request));
  const std::string id = *record.task.taskId;
  exports_.put(id, std::move(record));
  context_.store.after_commit([this, id] { run(id); });
  return CreateExportTaskResponse{.taskId = id};
}

Result<void> ExportOperations::CancelExportTask(const Call&, const CancelExportTaskRequest& request) {
  const ExportRecord* record = exports_.find(*request.taskId);
  if (!record) return fail("ResourceNotFoundException", "The specified export task does not exist.");
  if (record->task.status->code != "PENDING" && record->task.status->code != "RUNNING")
    return fail("InvalidOperationException",
                "The export task {} is {}: only one that is PENDING or RUNNING can be "
                "cancelled.",
                *request.taskId, *record->task.status->code);
  exports_.modify(*request.taskId, [](ExportRecord& changed) { changed.task.status->code = "PENDING_CANCEL"; });
  context_.store.after_commit([cancelled = cancelled_] {
    if (cancelled) *cancelled = true;
  });
  return {};
}

Result<DescribeExportTasksResponse> ExportOperations::DescribeExportTasks(const Call&,
                                                                          const DescribeExportTasksRequest& request) {
  std::vector<ExportTask> all;
  for (const auto& [id, record] : exports_.rows()) {
    if (request.taskId && id != *request.taskId) continue;
    if (request.statusCode && record.task.status->code != *request.statusCode) continue;
    all.push_back(record.task);
  }
  const auto id_of = [](const ExportTask& task) { return *task.taskId; };
  BRUME_TRY(page, services::paginate(std::move(all), std::size_t(request.limit.value_or(50)), request.nextToken, id_of,
                                     "InvalidParameterException"));
  DescribeExportTasksResponse response{.exportTasks = List<ExportTask>(std::move(page.items)),
                                       .nextToken = std::move(page.next_token)};
  return response;
}

void ExportOperations::run(const std::string& id) {
  const bool again = exports_.find(id)->task.status->code == "RUNNING";
  const auto running = context_.store.transact([&]() -> Result<void> {
    exports_.modify(id, [](ExportRecord& record) { record.task.status->code = "RUNNING"; });
    return {};
  });
  if (!running) log_warning("export task {} is not recorded as running: {}", id, running.error().message);
  const ExportRecord& record = *exports_.find(id);
  const auto group = groups_.find_group(*record.task.logGroupName);
  if (!group) return ended(id, "FAILED", group.error().message);
  logstore::Read read{.group = std::uint64_t((*group)->id),
                      .streams = {},
                      .stream_prefix = record.stream_prefix,
                      .from = *record.task.from,
                      .to = *record.task.to + 1,
                      .after = std::nullopt,
                      .needle = ""};
  const std::string bucket = *record.task.destination,
                    prefix = fmt::format("{}/{}", *record.task.destinationPrefix, id);
  cancelled_ = std::make_shared<std::atomic<bool>>(false);
  auto result = std::make_shared<Result<void>>();
  const bool to_s3 = outside_.calls.reaches("s3");
  (to_s3 ? outside_.aside : aside_)(
      [this, read, to_s3, again, bucket, prefix, cancelled = cancelled_, result] {
        *result = to_s3 ? write_objects(read, again, bucket, prefix, *cancelled)
                        : write_files(read, fmt::format("{}/{}/{}", folder_, bucket, prefix), *cancelled);
      },
      [this, id, cancelled = cancelled_, result] {
        if (!*result) return ended(id, "FAILED", result->error().message);
        ended(id, *cancelled ? "CANCELLED" : "COMPLETED", *cancelled ? "" : "Completed successfully");
      });
}

Result<void> ExportOperations::write_files(const logstore::Read& read, const std::string& folder,
                                           const std::atomic<bool>& cancelled) {
  env::Files& files = context_.env.files;
  BRUME_CHECK(files.remove_all(folder));
  ExportFiles sink(files, folder);
  return export_events(store_, read, sink, cancelled);
}

Result<void> ExportOperations::write_objects(const logstore::Read& read, bool again, const std::string& name,
                                             const std::string& prefix, const std::atomic<bool>& cancelled) {
  const Bucket bucket(outside_.calls, context_.region, name);
  if (again) BRUME_CHECK(bucket.remove_all(prefix + "/"));
  ExportObjects sink(bucket, prefix);
  return export_events(store_, read, sink, cancelled);
}

void ExportOperations::ended(const std::string& id, const std::string& code, const std::string& message) {
  cancelled_.reset();
  const auto noted = context_.store.transact([&]() -> Result<void> {
    exports_.modify(id, [&](ExportRecord& record) {
      record.task.status = ExportTaskStatus{.code = code, .message = std::nullopt};
      if (!message.empty()) record.task.status->message = message;
      record.task.executionInfo->completionTime = context_.env.clock.wall().time_since_epoch().count();
    });
    return {};
  });
  if (!noted) log_warning("export task {} is {}, which is not recorded: {}", id, code, noted.error().message);
}

}  // namespace brume::logs
